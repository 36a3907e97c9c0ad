// Owns the question "may this address send here, and where do answers go": symmetric latching with a learning window.
#pragma once

#include <cstdint>

#include "endpoint.h"

namespace media {

enum class Latching : uint8_t {
  kLearn,   // learn within a window, then hold on to what was learned
  kStrict,  // only the signalled address and port
  kOff,     // anyone may send; answers always go to the signalled address
  kMove,    // anyone may send, and is followed at once
};

/// One latch stands before one socket. A source is first judged, and taught to the latch only once its packet was
/// found good (for SRTP: authenticated), so that a forged packet moves nothing (RTP bleed, RTP injection).
class alignas(64) EndpointLatch {
 public:
  /// Sets what was signalled. The same again changes nothing; another address opens a new window. `window` is how long
  /// better candidates are still looked for after the first packet, in milliseconds.
  void configure(Latching latching, const Endpoint& signalled, int64_t window);

  /// Whether a packet from `source` may be looked at. The common case (the learned source) is decided here.
  bool admits(const Endpoint& source, int64_t now) const {
    if (source == learned_) return true;
    return admits_other(source, now);
  }

  /// Called for a packet that was admitted and found good. True when the learned source moved.
  bool learn(const Endpoint& source, int64_t now) {
    if (source == learned_ || latching_ == Latching::kStrict || latching_ == Latching::kOff) return false;
    return learn_other(source, now);
  }

  /// Another authority (ICE) chose: packets go there, and come from there. Unknown: nowhere.
  void select(const Endpoint& remote) { learned_ = destination_ = remote; }

  /// Where packets are sent to; unknown() when neither signalled nor learned.
  const Endpoint& destination() const { return destination_; }
  const Endpoint& learned() const { return learned_; }

 private:
  enum Rank : uint8_t { kNone, kPrevious, kAny, kPort, kAddress, kExact };

  Rank rank(const Endpoint& source) const;
  bool admits_other(const Endpoint& source, int64_t now) const;
  bool learn_other(const Endpoint& source, int64_t now);

  // What every packet asks for comes first, in one cache line.
  Endpoint learned_;
  Endpoint destination_;
  Latching latching_ = Latching::kStrict;
  Rank learned_rank_ = kNone;
  int64_t window_ = 0;
  int64_t window_end_ = 0;  // 0: no packet yet
  Endpoint signalled_;
  Endpoint previous_;  // what was learned before the signalled address changed
};

}  // namespace media
