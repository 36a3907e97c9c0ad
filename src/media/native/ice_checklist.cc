// Owns the checklist of RFC 8445 6 and 8: which pair is checked when, which is nominated, which is used and for how long.
#include <algorithm>
#include <cstring>
#include <utility>

#include "ice_agent.h"

namespace media {

namespace {

/// RFC 8445 5.1.2.1: a host candidate, the only one of its component.
constexpr uint32_t host_priority(uint8_t component) { return 126u << 24 | 65535u << 8 | (255u - component); }

}  // namespace

void IceAgent::select(const Pair& pair, int64_t now) {
  const Endpoint& chosen = selected_[pair.component];
  const bool again = std::exchange(nominated_[pair.component], true);
  if (chosen == pair.remote) return;
  // Of several that the far end names, the best is used, unless the one in use has fallen silent.
  const Pair* before = chosen.known() ? find(pair.component, chosen) : nullptr;
  const bool silent = now - consent_at_[pair.component] > kConsentEvery * 2;
  if (again && before && !controlling_ && !silent && priority_of(*before) > priority_of(pair)) return;
  use(pair, now);
}

/// RFC 8445 12.1.1: before one is nominated, the best pair that works may be used.
void IceAgent::prefer(const Pair& pair, int64_t now) {
  const Endpoint& chosen = selected_[pair.component];
  if (nominated_[pair.component] || chosen == pair.remote) return;
  // What a session before this one chose stays until one of this session is nominated.
  const Pair* before = chosen.known() ? find(pair.component, chosen) : nullptr;
  if (chosen.known() && (!before || priority_of(*before) >= priority_of(pair))) return;
  use(pair, now);
}

void IceAgent::use(const Pair& pair, int64_t now) {
  selected_[pair.component] = pair.remote;
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
