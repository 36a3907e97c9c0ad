// Owns the ranking of candidate sources, after rtpengine's documented "heuristic" endpoint learning.
#include "endpoint_latch.h"

namespace media {

void EndpointLatch::configure(Latching latching, const Endpoint& signalled, int64_t window) {
  window_ = window;
  const bool moved = !(signalled == signalled_);
  const bool same = !moved && latching == latching_;
  latching_ = latching;
  if (same) return;
  signalled_ = signalled;
  // An unknown address (not yet signalled) keeps what was learned; a known one that moved is learned anew, and until
  // the far end is heard from there, packets go where it was signalled.
  if (signalled.known() || (latching != Latching::kLearn && latching != Latching::kMove)) {
    if (learned_.known()) previous_ = learned_;
    learned_ = Endpoint();
    learned_rank_ = kNone;
    window_end_ = 0;
  }
  destination_ = learned_.known() ? learned_ : signalled_;
}

EndpointLatch::Rank EndpointLatch::rank(const Endpoint& source) const {
  if (signalled_.known()) {
    if (source == signalled_) return kExact;
    if (source.same_address(signalled_)) return kAddress;
  }
  // After the far end moved, packets of the old place that are still under way must not hold the new window.
  if (previous_.known() && source == previous_) return kPrevious;
  if (signalled_.known() && source.port() == signalled_.port()) return kPort;
  return kAny;
}

bool EndpointLatch::admits_other(const Endpoint& source, int64_t now) const {
  switch (latching_) {
    case Latching::kOff:
    case Latching::kMove:
      return true;
    case Latching::kStrict:
      return signalled_.known() && source == signalled_;
    case Latching::kLearn:
      break;
  }
  if (window_end_ == 0) return true;
  // Once the window has closed, nothing but a new offer or answer moves the latch.
  if (now >= window_end_) return false;
  // Of equals, the first is kept: a later one would be as good for an attacker.
  return rank(source) > learned_rank_;
}

bool EndpointLatch::learn_other(const Endpoint& source, int64_t now) {
  if (window_end_ == 0) window_end_ = now + window_;
  learned_rank_ = rank(source);
  learned_ = source;
  destination_ = source;
  return true;
}

}  // namespace media
