// Owns ICE for one media stream (RFC 8445), full or lite: one host candidate a component, checks answered and made, pairs chosen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "endpoint.h"
#include "stun.h"

namespace media {

/// What takes datagrams to a component's socket: 0 is RTP's, 1 RTCP's.
class DatagramSender {
 public:
  virtual void send(uint8_t component, const uint8_t* data, size_t length, const Endpoint& to) = 0;

 protected:
  ~DatagramSender() = default;
};

struct IceCandidate {
  uint8_t component;
  uint32_t priority;
  Endpoint endpoint;
};

/// What both sides said of ICE. Until the far end has answered, remote_ufrag is empty: its checks are answered, none are made.
struct IceSettings {
  std::string local_ufrag, local_password, remote_ufrag, remote_password;
  bool lite = false;
  bool remote_lite = false;
  bool controlling = false;
  std::vector<IceCandidate> candidates;  // of the far end

  /// RFC 8445 9: other credentials are another session.
  bool same_session(const IceSettings& other) const {
    return local_ufrag == other.local_ufrag && local_password == other.local_password && lite == other.lite;
  }
};

/// RFC 8445 7.1.1: the priority that a check would give a candidate that it finds.
constexpr uint32_t reflexive_priority(uint8_t component) { return 110u << 24 | 65535u << 8 | (255u - component); }

uint64_t random64();

class IceAgent {
 public:
  static constexpr size_t kMaxPairs = 24;
  static constexpr size_t kComponents = 2;
  /// RFC 8445 14.2: Ta, the pace of new checks; RFC 8445 14.3 and RFC 5389 7.2.1: first wait for an answer, and how many tries.
  static constexpr int64_t kPace = 50, kFirstWait = 500;
  static constexpr unsigned kTries = 7;
  /// How long a better pair may still answer before the one that did is nominated.
  static constexpr int64_t kPatience = 300;
  /// RFC 7675 5.1: consent is asked for every five seconds or so, and lost after thirty.
  static constexpr int64_t kConsentEvery = 5'000, kConsentLost = 30'000;
  /// RFC 8445 11: a lite side, which makes no checks, keeps bindings open by indications.
  static constexpr int64_t kKeepAlive = 15'000;

  /// Times in milliseconds. `components` is 1 where RTCP shares RTP's port.
  IceAgent(const IceSettings& settings, DatagramSender* sender, int64_t now);
  /// Credentials of the far end that are new begin its checks anew; the pair in use stays in use until another is chosen.
  void configure(const IceSettings& settings, uint8_t components, int64_t now);

  /// A STUN message of a component; `data` is as it was afterwards. False when it was refused or is none of ours.
  bool receive(uint8_t component, uint8_t* data, size_t length, const Endpoint& source, int64_t now);
  /// Sends what is due.
  void run(int64_t now);
  /// When run() is next due.
  int64_t deadline(int64_t now) const;

  /// Where a component's packets go: the pair nominated, before that the best that works; unknown() after consent was lost.
  const Endpoint& selected(uint8_t component) const { return selected_[component]; }
  /// RFC 8445 12.2: media may come from any pair whose checks were good.
  bool validated(uint8_t component, const Endpoint& source) const;
  /// No pair works, or the one that did has not answered for too long.
  bool failed() const { return failed_; }
  bool controlling() const { return controlling_; }

 private:
  enum class State : uint8_t { kWaiting, kInProgress, kSucceeded, kFailed };
  struct Pair {
    Endpoint remote;
    uint8_t component = 0;
    uint8_t tries = 0;
    State state = State::kWaiting;
    bool heard = false;      // an authentic check came from there
    bool triggered = false;  // to be checked before others
    bool nominate = false;   // controlled: the far end asked for it; controlling: the check under way says so
    bool asked = false;      // transaction is under way
    bool as_controlling = false;
    uint32_t priority = 0;  // of the remote candidate
    uint8_t transaction[kStunTransaction] = {};
    int64_t sent = 0;  // the last check
    int64_t next = 0;  // when the check is sent again
  };

  bool receive_request(uint8_t component, uint8_t* data, const StunMessage& message, const Endpoint& source, int64_t now);
  bool receive_response(uint8_t component, uint8_t* data, const StunMessage& message, const Endpoint& source, int64_t now);
  void refuse(uint8_t component, const StunMessage& message, const Endpoint& to, uint16_t code, const StunKey* key);
  /// RFC 8445 7.3.1.1: false when the request is to be refused.
  bool settle_role(const StunMessage& message);
  bool names_us(const StunMessage& message) const;
  bool names_far_end(const StunMessage& message) const;

  Pair* find(uint8_t component, const Endpoint& remote);
  Pair* add(uint8_t component, const Endpoint& remote, uint32_t priority);
  uint64_t priority_of(const Pair& pair) const;
  void check(Pair& pair, int64_t now);
  void send_check(const Pair& pair);
  void nominate(int64_t now);
  void select(const Pair& pair, int64_t now);
  void prefer(const Pair& pair, int64_t now);
  void use(const Pair& pair, int64_t now);
  void ask_consent(int64_t now);
  bool checking() const;
  bool complete() const;

  DatagramSender* sender_;  // Borrowed from the connection that owns this agent.
  IceSettings settings_;
  std::unique_ptr<StunKey> local_key_, remote_key_;
  bool controlling_ = false;
  bool failed_ = false;
  uint8_t components_ = kComponents;
  uint64_t tie_breaker_ = 0;
  std::array<Pair, kMaxPairs> pairs_;
  size_t count_ = 0;
  std::array<Endpoint, kComponents> selected_;
  std::array<bool, kComponents> nominated_{};
  std::array<int64_t, kComponents> first_success_{}, consent_due_{}, consent_at_{};
  int64_t next_check_ = 0;
};

}  // namespace media
