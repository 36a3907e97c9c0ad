// Owns the end of an event, told once.
#include "telephone_event.h"

namespace media {

namespace {
/// Nobody presses more keys in a second (ITU-T Q.24: 65 ms a key and its pause); what does is an attack on who is told.
constexpr int kMostInSecond = 20;
}  // namespace

EventDetector::Outcome EventDetector::heard(const RtpHeader& header, const TelephoneEvent& packet, int64_t now) {
  Outcome outcome;
  const auto tell = [&](TelephoneEvent event) {
    told_ = true;
    if (now - second_ >= 1'000'000) {
      second_ = now;
      told_in_second_ = 0;
    }
    if (event.event > TelephoneEvent::kLastKey || ++told_in_second_ > kMostInSecond) return;
    event.end = true;
    outcome.ended[outcome.count++] = event;
  };
  const bool same_source = any_ && header.ssrc == ssrc_;
  if (!same_source || header.timestamp != timestamp_) {
    // A packet of an event before this one came late.
    if (same_source && static_cast<int32_t>(header.timestamp - timestamp_) < 0) return outcome;
    if (!told_) tell(last_);
    outcome.began = true;
    any_ = true;
    told_ = false;
    timestamp_ = header.timestamp;
    ssrc_ = header.ssrc;
    last_ = packet;
  }
  if (told_) return outcome;
  if (packet.duration >= last_.duration) last_ = packet;
  if (packet.end) tell(last_);
  return outcome;
}

}  // namespace media
