// Owns the arithmetic of RFC 3550 A.1, A.3 and A.8.
#include "reception.h"

namespace media {

namespace {
/// RFC 3550 A.1: a jump this large is a sender that began anew, not loss.
constexpr int64_t kMaxDropout = 3000;
/// The first packet's place: far enough from 0 that reordered packets before it have one too.
constexpr uint64_t kFirstCycle = 1 << 16;
}  // namespace

void Reception::start(const RtpHeader& header) {
  ssrc_ = header.ssrc;
  window_ = ReplayWindow();
  base_ = kFirstCycle + header.sequence;
  received_ = 0;
  has_transit_ = false;
  jitter_ = 0;
}

void Reception::received(const RtpHeader& header, int64_t now, StreamCounters* counters) {
  if (!any_ || header.ssrc != ssrc_) {
    if (any_) {
      counters->ssrc_changes.add(1);
      lost_before_ = static_cast<int64_t>(counters->lost.get());
    }
    any_ = true;
    start(header);
    counters->ssrc.set(header.ssrc);
  }
  uint64_t index = base_;
  if (!window_.empty()) {
    const auto step = static_cast<int16_t>(header.sequence - static_cast<uint16_t>(window_.highest()));
    index = window_.highest() + static_cast<int64_t>(step);
    if (step > kMaxDropout || step < -static_cast<int64_t>(ReplayWindow::kWidth)) {
      lost_before_ = static_cast<int64_t>(counters->lost.get());
      start(header);
      index = base_;
    }
  }
  if (window_.check(index) != ReplayWindow::Verdict::kNew) {
    counters->duplicates.add(1);
    return;
  }
  window_.add(index);
  if (index < base_) base_ = index;
  received_++;
  // RFC 3550 A.3
  const auto expected = static_cast<int64_t>(window_.highest() - base_ + 1);
  const int64_t lost = lost_before_ + expected - static_cast<int64_t>(received_);
  counters->lost.set(lost > 0 ? static_cast<uint64_t>(lost) : 0);

  // RFC 3550 A.8, in timestamp units; packets of one frame share a timestamp and are measured once.
  if (has_transit_ && header.timestamp == timestamp_) return;
  timestamp_ = header.timestamp;
  const int64_t arrival = now / 1000 * clock_rate_ / 1000 + now % 1000 * clock_rate_ / 1000000;
  const int64_t transit = static_cast<int32_t>(static_cast<uint32_t>(arrival) - header.timestamp);
  if (has_transit_) {
    int64_t d = static_cast<int32_t>(static_cast<uint32_t>(transit - transit_));
    if (d < 0) d = -d;
    // A sender whose clock jumps (music on hold, a new source) is no jitter.
    if (d < static_cast<int64_t>(clock_rate_) * 10) jitter_ += d - ((jitter_ + 8) >> 4);
    counters->jitter.set(static_cast<uint64_t>(jitter_ >> 4));
  }
  transit_ = transit;
  has_transit_ = true;
}

}  // namespace media
