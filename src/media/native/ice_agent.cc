// Owns what arrives: checks and answers (RFC 8445 7). A stranger, who has no password, changes nothing here.
#include "ice_agent.h"

#include <algorithm>
#include <cstring>

namespace media {

namespace {

std::unique_ptr<StunKey> key_of(const std::string& password) {
  return password.empty() ? nullptr : std::make_unique<StunKey>(password);
}

}  // namespace

uint64_t random64() {
  uint64_t value;
  random_bytes(&value, sizeof value);
  return value;
}

IceAgent::IceAgent(const IceSettings& settings, DatagramSender* sender, int64_t now)
    : sender_(sender), local_key_(key_of(settings.local_password)), controlling_(settings.controlling), tie_breaker_(random64()), next_check_(now) {
  settings_.local_ufrag = settings.local_ufrag;
  settings_.local_password = settings.local_password;
  settings_.lite = settings.lite;
}

void IceAgent::configure(const IceSettings& settings, uint8_t components, int64_t now) {
  // RFC 8445 9: an ICE restart. Pairs heard before the far end's credentials were known belong to this session already.
  if (settings_.remote_ufrag != settings.remote_ufrag || settings_.remote_password != settings.remote_password) {
    if (!settings_.remote_ufrag.empty()) {
      count_ = 0;
      tie_breaker_ = random64();
    }
    controlling_ = settings.controlling;
    first_success_ = {};
    nominated_ = {};
    remote_key_ = key_of(settings.remote_password);
    failed_ = false;
  }
  components_ = components;
  const auto beyond = [components](const Pair& pair) { return pair.component >= components; };
  count_ = static_cast<size_t>(std::remove_if(pairs_.begin(), pairs_.begin() + static_cast<std::ptrdiff_t>(count_), beyond) - pairs_.begin());
  if (!settings.same_session(settings_)) local_key_ = key_of(settings.local_password);
  settings_ = settings;
  for (const IceCandidate& candidate : settings_.candidates) {
    if (candidate.component >= components_) continue;
    if (Pair* known = find(candidate.component, candidate.endpoint)) {
      known->priority = candidate.priority;
    } else {
      add(candidate.component, candidate.endpoint, candidate.priority);
    }
  }
  settings_.candidates.clear();
  // RFC 8445 8.2: between two lite sides nothing is checked; the best candidate of each component is used.
  if (settings_.lite && settings_.remote_lite) {
    for (uint8_t component = 0; component < components_; component++) {
      const Pair* best = nullptr;
      for (size_t i = 0; i < count_; i++)
        if (pairs_[i].component == component && (!best || pairs_[i].priority > best->priority)) best = &pairs_[i];
      if (best) select(*best, now);
    }
  }
  next_check_ = std::min(next_check_, now);
  run(now);
}

bool IceAgent::receive(uint8_t component, uint8_t* data, size_t length, const Endpoint& source, int64_t now) {
  StunMessage message;
  if (component >= components_ || !StunMessage::parse(data, length, &message) || message.method != kStunBinding) return false;
  switch (message.kind) {
    case StunClass::kRequest:
      return receive_request(component, data, message, source, now);
    case StunClass::kIndication:
      return message.authentic(data, *local_key_) || message.integrity == 0;  // RFC 8445 11: a keep-alive asks for nothing
    case StunClass::kSuccess:
    case StunClass::kError:
      return receive_response(component, data, message, source, now);
  }
  return false;
}

/// RFC 8445 7.3: "ours:theirs". Ours must be right; theirs says which of several answers to one offer it belongs to.
bool IceAgent::names_us(const StunMessage& message) const {
  const std::string& own = settings_.local_ufrag;
  const std::string_view name = message.username;
  return name.size() > own.size() && name.substr(0, own.size()) == own && name[own.size()] == ':';
}

bool IceAgent::names_far_end(const StunMessage& message) const {
  return settings_.remote_ufrag.empty() || message.username.substr(settings_.local_ufrag.size() + 1) == settings_.remote_ufrag;
}

void IceAgent::refuse(uint8_t component, const StunMessage& message, const Endpoint& to, uint16_t code, const StunKey* key) {
  StunWriter writer(StunClass::kError, message.transaction);
  writer.error(code);
  if (code == 420) writer.unknown_attributes({message.unknown, message.unknown_count});
  if (key) writer.integrity(*key);
  writer.fingerprint();
  sender_->send(component, writer.data(), writer.size(), to);
}

bool IceAgent::settle_role(const StunMessage& message) {
  if (controlling_ && message.controlling) {
    if (tie_breaker_ >= message.tie_breaker) return false;
    controlling_ = false;
  } else if (!controlling_ && message.controlled) {
    // A lite side cannot nominate where the other is full (RFC 8445 6.1.1).
    if (tie_breaker_ < message.tie_breaker || settings_.lite) return false;
    controlling_ = true;
  }
  return true;
}

bool IceAgent::receive_request(uint8_t component, uint8_t* data, const StunMessage& message, const Endpoint& source, int64_t now) {
  // RFC 5389 10.1.2, in its order. A stranger is answered little more than it asked.
  if (!message.has_fingerprint) return false;  // RFC 8445 7.3: every check has one
  if (message.integrity == 0 || message.username.empty()) {
    refuse(component, message, source, 400, nullptr);
    return false;
  }
  if (!names_us(message) || !message.authentic(data, *local_key_)) {
    refuse(component, message, source, 401, nullptr);
    return false;
  }
  if (message.unknown_count > 0) {
    refuse(component, message, source, 420, local_key_.get());
    return false;
  }
  if (names_far_end(message) && !settle_role(message)) {
    refuse(component, message, source, 487, local_key_.get());
    return true;
  }
  StunWriter writer(StunClass::kSuccess, message.transaction);
  writer.mapped_address(source);
  writer.integrity(*local_key_);
  writer.fingerprint();
  sender_->send(component, writer.data(), writer.size(), source);

  // A branch of a fork that is not the one talked to is answered, and no more (RFC 8445 7.3).
  if (!names_far_end(message)) return true;
  // RFC 8445 7.3.1.3: an address that was not signalled is a peer-reflexive candidate.
  Pair* pair = find(component, source);
  if (!pair) pair = add(component, source, message.has_priority ? message.priority : reflexive_priority(component));
  if (!pair) return true;
  pair->heard = true;
  if (source == selected_[component]) consent_at_[component] = now;
  if (settings_.lite) {
    // RFC 8445 7.3.2: for a lite side the far end's word is enough.
    pair->state = State::kSucceeded;
    if (message.use_candidate) {
      select(*pair, now);
    } else {
      prefer(*pair, now);
    }
    return true;
  }
  const bool wanted = message.use_candidate && !controlling_;
  if (wanted) pair->nominate = true;
  if (pair->state == State::kSucceeded) {
    if (wanted) select(*pair, now);
  } else if (pair->state != State::kInProgress || now - pair->sent >= kPace) {
    // RFC 8445 7.3.1.4: a triggered check, also in place of one that may have come too early.
    pair->state = State::kWaiting;
    pair->triggered = true;
    next_check_ = std::min(next_check_, now);
    run(now);
  }
  return true;
}

bool IceAgent::receive_response(uint8_t component, uint8_t* data, const StunMessage& message, const Endpoint& source, int64_t now) {
  Pair* pair = nullptr;
  for (size_t i = 0; i < count_ && !pair; i++) {
    Pair& each = pairs_[i];
    if (each.asked && each.component == component && std::memcmp(each.transaction, message.transaction, kStunTransaction) == 0) pair = &each;
  }
  if (!pair || !remote_key_ || !message.authentic(data, *remote_key_)) return false;
  pair->asked = false;
  const bool in_use = pair->state == State::kSucceeded;
  if (message.kind == StunClass::kError) {
    if (message.error == 487) {
      // RFC 8445 7.2.5.1: the other role, another tie-breaker, and once more.
      if (controlling_ == pair->as_controlling) {
        controlling_ = !controlling_;
        tie_breaker_ = random64();
      }
      if (!in_use) {
        pair->state = State::kWaiting;
        pair->triggered = true;
        next_check_ = std::min(next_check_, now);
        run(now);
      }
    } else if (!in_use) {
      pair->state = State::kFailed;
    }
    return true;
  }
  // RFC 8445 7.2.5.2.1: the answer comes from where the check went.
  if (!(source == pair->remote)) {
    if (!in_use) pair->state = State::kFailed;
    return true;
  }
  if (first_success_[component] == 0) first_success_[component] = now;
  pair->state = State::kSucceeded;
  if (pair->remote == selected_[component]) consent_at_[component] = now;
  prefer(*pair, now);
  if (pair->nominate && (!pair->as_controlling || controlling_)) {
    // RFC 8445 8.1.1 (ours, with USE-CANDIDATE) and 7.3.1.5 (theirs).
    select(*pair, now);
  }
  nominate(now);
  return true;
}

}  // namespace media
