// Owns the checks of RFC 8445 7 and the choice of pairs of RFC 8445 8. A stranger, who has no password, changes nothing here.
#include "ice_agent.h"

#include <algorithm>
#include <cstring>

namespace media {

namespace {

/// RFC 8445 5.1.2.1: one host candidate a component, and the priority that a check would give a peer-reflexive one.
constexpr uint32_t host_priority(uint8_t component) { return 126u << 24 | 65535u << 8 | (255u - component); }
constexpr uint32_t reflexive_priority(uint8_t component) { return 110u << 24 | 65535u << 8 | (255u - component); }

uint64_t random64() {
  uint64_t value;
  random_bytes(&value, sizeof value);
  return value;
}

std::unique_ptr<StunKey> key_of(const std::string& password) {
  return password.empty() ? nullptr : std::make_unique<StunKey>(password);
}

}  // namespace

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

/// RFC 8445 7.1.2: "ours:theirs".
bool IceAgent::names_us(const StunMessage& message) const {
  const std::string& own = settings_.local_ufrag;
  const std::string_view name = message.username;
  if (name.size() <= own.size() || name.substr(0, own.size()) != own || name[own.size()] != ':') return false;
  return settings_.remote_ufrag.empty() || name.substr(own.size() + 1) == settings_.remote_ufrag;
}

void IceAgent::refuse(uint8_t component, const StunMessage& message, const Endpoint& to, uint16_t code, const char* reason, const StunKey* key) {
  StunWriter writer(StunClass::kError, message.transaction);
  writer.error(code, reason);
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
  // RFC 5389 10.1.2, in its order. What is answered is never longer than what was asked.
  if (!message.has_fingerprint) return false;  // RFC 8445 7.3: every check has one
  if (message.integrity == 0 || message.username.empty()) {
    refuse(component, message, source, 400, "Bad Request", nullptr);
    return false;
  }
  if (!names_us(message) || !message.authentic(data, *local_key_)) {
    refuse(component, message, source, 401, "Unauthorized", nullptr);
    return false;
  }
  if (message.unknown_count > 0) {
    refuse(component, message, source, 420, "Unknown Attribute", local_key_.get());
    return false;
  }
  if (!settle_role(message)) {
    refuse(component, message, source, 487, "Role Conflict", local_key_.get());
    return true;
  }
  StunWriter writer(StunClass::kSuccess, message.transaction);
  writer.mapped_address(source);
  writer.integrity(*local_key_);
  writer.fingerprint();
  sender_->send(component, writer.data(), writer.size(), source);

  // RFC 8445 7.3.1.3: an address that was not signalled is a peer-reflexive candidate.
  Pair* pair = find(component, source);
  if (!pair) pair = add(component, source, message.has_priority ? message.priority : reflexive_priority(component));
  if (!pair) return true;
  pair->heard = true;
  if (source == selected_[component]) consent_at_[component] = now;
  if (settings_.lite) {
    // RFC 8445 7.3.2: for a lite side the far end's word is enough.
    pair->state = State::kSucceeded;
    if (message.use_candidate) select(*pair, now);
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
  if (pair->nominate && (!pair->as_controlling || controlling_)) {
    // RFC 8445 8.1.1 (ours, with USE-CANDIDATE) and 7.3.1.5 (theirs).
    select(*pair, now);
  }
  nominate(now);
  return true;
}

void IceAgent::select(const Pair& pair, int64_t now) {
  Endpoint& chosen = selected_[pair.component];
  nominated_[pair.component] = true;
  if (chosen == pair.remote) return;
  // Of several that the far end names, the best is used, unless the one in use has fallen silent.
  const Pair* before = chosen.known() ? find(pair.component, chosen) : nullptr;
  const bool silent = now - consent_at_[pair.component] > kConsentEvery * 2;
  if (before && !controlling_ && !silent && priority_of(*before) > priority_of(pair)) return;
  chosen = pair.remote;
  consent_at_[pair.component] = now;
  consent_due_[pair.component] = now + (settings_.lite ? kKeepAlive : kConsentEvery);
  failed_ = false;
}

IceAgent::Pair* IceAgent::find(uint8_t component, const Endpoint& remote) {
  for (size_t i = 0; i < count_; i++)
    if (pairs_[i].component == component && pairs_[i].remote == remote) return &pairs_[i];
  return nullptr;
}

IceAgent::Pair* IceAgent::add(uint8_t component, const Endpoint& remote, uint32_t priority) {
  Pair* place = nullptr;
  if (count_ < kMaxPairs) {
    place = &pairs_[count_++];
  } else {
    for (Pair& each : pairs_)
      if (each.state == State::kFailed && !(each.remote == selected_[each.component])) place = &each;
  }
  if (!place) return nullptr;
  *place = Pair();
  place->remote = remote;
  place->component = component;
  place->priority = priority;
  return place;
}

/// RFC 8445 6.1.2.3
uint64_t IceAgent::priority_of(const Pair& pair) const {
  const uint64_t own = host_priority(pair.component), theirs = pair.priority;
  const uint64_t g = controlling_ ? own : theirs, d = controlling_ ? theirs : own;
  return (std::min(g, d) << 32) + 2 * std::max(g, d) + (g > d ? 1 : 0);
}

void IceAgent::check(Pair& pair, int64_t now) {
  pair.state = State::kInProgress;
  pair.triggered = false;
  pair.tries = 1;
  pair.asked = true;
  pair.as_controlling = controlling_;
  pair.sent = now;
  pair.next = now + kFirstWait;
  random_bytes(pair.transaction, sizeof pair.transaction);
  send_check(pair);
}

void IceAgent::send_check(const Pair& pair) {
  char username[2 * kMaxIceCredential + 1];
  const std::string &theirs = settings_.remote_ufrag, &ours = settings_.local_ufrag;
  const size_t size = theirs.size() + 1 + ours.size();
  if (size > sizeof username) return;
  std::memcpy(username, theirs.data(), theirs.size());
  username[theirs.size()] = ':';
  std::memcpy(username + theirs.size() + 1, ours.data(), ours.size());
  StunWriter writer(StunClass::kRequest, pair.transaction);
  writer.text(kStunUsername, {username, size});
  writer.number(kStunPriority, reflexive_priority(pair.component));
  writer.number64(pair.as_controlling ? kStunIceControlling : kStunIceControlled, tie_breaker_);
  if (pair.as_controlling && pair.nominate) writer.flag(kStunUseCandidate);
  writer.integrity(*remote_key_);
  writer.fingerprint();
  sender_->send(pair.component, writer.data(), writer.size(), pair.remote);
}

/// RFC 8445 8.1.1: the controlling side chooses, of each component, the best pair that answered.
void IceAgent::nominate(int64_t now) {
  if (!controlling_ || settings_.lite) return;
  for (uint8_t component = 0; component < components_; component++) {
    if (first_success_[component] == 0 || nominated_[component]) continue;
    Pair* best = nullptr;
    bool better_coming = false, under_way = false;
    for (size_t i = 0; i < count_; i++) {
      Pair& each = pairs_[i];
      if (each.component != component) continue;
      if (each.nominate && each.asked) under_way = true;
      if (each.state == State::kSucceeded && (!best || priority_of(each) > priority_of(*best))) best = &each;
    }
    if (!best || under_way) continue;
    for (size_t i = 0; i < count_; i++) {
      const Pair& each = pairs_[i];
      if (each.component == component && (each.state == State::kWaiting || each.state == State::kInProgress) && priority_of(each) > priority_of(*best))
        better_coming = true;
    }
    if (better_coming && now - first_success_[component] < kPatience) continue;
    best->nominate = true;
    check(*best, now);
  }
}

bool IceAgent::complete() const {
  for (uint8_t component = 0; component < components_; component++)
    if (!nominated_[component]) return false;
  return true;
}

bool IceAgent::checking() const {
  for (size_t i = 0; i < count_; i++)
    if (pairs_[i].state == State::kWaiting || pairs_[i].state == State::kInProgress) return true;
  return false;
}

/// RFC 7675 5.1, over the pair in use.
void IceAgent::ask_consent(int64_t now) {
  for (uint8_t component = 0; component < components_; component++) {
    if (!selected_[component].known() || now < consent_due_[component]) continue;
    if (settings_.lite) {
      uint8_t transaction[kStunTransaction];
      random_bytes(transaction, sizeof transaction);
      StunWriter writer(StunClass::kIndication, transaction);
      writer.fingerprint();
      sender_->send(component, writer.data(), writer.size(), selected_[component]);
      consent_due_[component] = now + kKeepAlive;
      continue;
    }
    if (now - consent_at_[component] > kConsentLost) {
      selected_[component] = Endpoint();
      nominated_[component] = false;
      failed_ = true;
      continue;
    }
    consent_due_[component] = now + kConsentEvery * 8 / 10 + static_cast<int64_t>(random64() % (kConsentEvery * 4 / 10));
    Pair* pair = find(component, selected_[component]);
    if (!pair || pair->state != State::kSucceeded) continue;
    pair->asked = true;
    pair->as_controlling = controlling_;
    pair->nominate = pair->nominate && !controlling_;
    random_bytes(pair->transaction, sizeof pair->transaction);
    send_check(*pair);
  }
}

void IceAgent::run(int64_t now) {
  if (!settings_.lite && remote_key_) {
    for (size_t i = 0; i < count_; i++) {
      Pair& pair = pairs_[i];
      if (pair.state != State::kInProgress || pair.next > now) continue;
      if (pair.tries >= kTries) {
        pair.state = State::kFailed;
        pair.asked = false;
        if (pair.as_controlling) pair.nominate = false;
        continue;
      }
      pair.sent = now;
      pair.next = now + (kFirstWait << pair.tries++);
      send_check(pair);
    }
    // RFC 8445 6.1.4.2: triggered checks first, then the best that waits, one at a time.
    if (now >= next_check_) {
      Pair* best = nullptr;
      for (size_t i = 0; i < count_; i++) {
        Pair& pair = pairs_[i];
        if (pair.state != State::kWaiting) continue;
        const bool better = !best || pair.triggered > best->triggered || (pair.triggered == best->triggered && priority_of(pair) > priority_of(*best));
        if (better) best = &pair;
      }
      if (best) {
        check(*best, now);
        next_check_ = now + kPace;
      }
    }
    nominate(now);
    if (count_ > 0 && !checking() && !complete()) {
      failed_ = std::all_of(pairs_.begin(), pairs_.begin() + static_cast<std::ptrdiff_t>(count_), [](const Pair& pair) { return pair.state == State::kFailed; });
    }
  }
  ask_consent(now);
}

int64_t IceAgent::deadline(int64_t now) const {
  int64_t next = INT64_MAX;
  if (!settings_.lite && remote_key_) {
    for (uint8_t component = 0; component < components_; component++)
      if (controlling_ && first_success_[component] != 0 && !nominated_[component]) next = now + kPace;
    for (size_t i = 0; i < count_; i++) {
      if (pairs_[i].state == State::kWaiting) next = std::min(next, next_check_);
      if (pairs_[i].state == State::kInProgress) next = std::min(next, pairs_[i].next);
    }
  }
  for (uint8_t component = 0; component < components_; component++)
    if (selected_[component].known()) next = std::min(next, consent_due_[component]);
  return next;
}

bool IceAgent::validated(uint8_t component, const Endpoint& source) const {
  for (size_t i = 0; i < count_; i++) {
    const Pair& pair = pairs_[i];
    if (pair.component == component && pair.remote == source) return pair.heard || pair.state == State::kSucceeded;
  }
  return false;
}

}  // namespace media
