// Owns the arithmetic of RFC 3550 A.1, A.3 and A.8.
#include "reception.h"

#include <algorithm>

namespace media {

namespace {
/// RFC 3550 A.1: a jump this large is a sender that began anew, not loss.
constexpr int64_t kMaxDropout = 3000;
/// The first packet's place: far enough from 0 that reordered packets before it have one too.
constexpr uint64_t kFirstCycle = 1 << 16;
}  // namespace

void Reception::Source::start(const RtpHeader& header) {
  lost_before = static_cast<int64_t>(lost.get());
  window = ReplayWindow();
  base = kFirstCycle + header.sequence;
  received = 0;
  has_transit = false;
  jitter = 0;
  told = told_expected = 0;
}

void Reception::Source::reset(uint32_t new_ssrc) {
  ssrc = new_ssrc;
  for (Counter* counter : {&packets, &bytes, &lost, &duplicates, &shown_jitter}) counter->set(0);
  window = ReplayWindow();
}

Reception::Source& Reception::source_of(uint32_t ssrc, StreamCounters* counters) {
  if (count_ > 0 && sources_[current_].ssrc == ssrc) return sources_[current_];
  if (count_ > 0) counters->ssrc_changes.add(1);
  counters->ssrc.set(ssrc);
  const auto end = sources_.begin() + count_;
  auto found = std::find_if(sources_.begin(), end, [ssrc](const Source& each) { return each.ssrc == ssrc; });
  if (found == end) {
    const std::scoped_lock lock(mutex_);
    if (count_ < kMaxSources) {
      count_++;
    } else {
      found = std::min_element(sources_.begin(), end, [](const Source& a, const Source& b) { return a.heard < b.heard; });
    }
    found->reset(ssrc);
  }
  current_ = static_cast<uint32_t>(found - sources_.begin());
  return *found;
}

void Reception::received(const RtpHeader& header, size_t bytes, int64_t now, StreamCounters* counters) {
  Source& source = source_of(header.ssrc, counters);
  source.heard = ++heard_;
  ReplayWindow& window = source.window;
  if (window.empty()) source.start(header);
  uint64_t index = source.base;
  if (!window.empty()) {
    const auto step = static_cast<int16_t>(header.sequence - static_cast<uint16_t>(window.highest()));
    index = window.highest() + static_cast<int64_t>(step);
    if (step > kMaxDropout || step < -static_cast<int64_t>(ReplayWindow::kWidth)) {
      source.start(header);
      index = source.base;
    }
  }
  if (window.check(index) != ReplayWindow::Verdict::kNew) {
    source.duplicates.add(1);
    counters->duplicates.add(1);
    return;
  }
  window.add(index);
  if (index < source.base) source.base = index;
  source.received++;
  source.packets.add(1);
  source.bytes.add(bytes);
  // RFC 3550 A.3
  const auto expected = static_cast<int64_t>(window.highest() - source.base + 1);
  const int64_t lost = std::max<int64_t>(source.lost_before + expected - static_cast<int64_t>(source.received), 0);
  const int64_t more = lost - static_cast<int64_t>(source.lost.get());
  if (more != 0) {
    source.lost.set(static_cast<uint64_t>(lost));
    counters->lost.add(static_cast<uint64_t>(more));
  }
  source.measure_jitter(header, now, clock_rate_);
  counters->jitter.set(source.shown_jitter.get());
}

/// RFC 3550 A.8, in timestamp units; packets of one frame share a timestamp and are measured once.
void Reception::Source::measure_jitter(const RtpHeader& header, int64_t now, uint32_t clock_rate) {
  if (has_transit && header.timestamp == timestamp) return;
  timestamp = header.timestamp;
  const int64_t arrival = now / 1000 * clock_rate / 1000 + now % 1000 * clock_rate / 1000000;
  const int64_t transit_now = static_cast<int32_t>(static_cast<uint32_t>(arrival) - header.timestamp);
  if (has_transit) {
    int64_t d = static_cast<int32_t>(static_cast<uint32_t>(transit_now - transit));
    if (d < 0) d = -d;
    // A sender whose clock jumps (music on hold, a new source) is no jitter.
    if (d < static_cast<int64_t>(clock_rate) * 10) jitter += d - ((jitter + 8) >> 4);
    shown_jitter.set(static_cast<uint64_t>(jitter >> 4));
  }
  transit = transit_now;
  has_transit = true;
}

/// RFC 3550 A.3
size_t Reception::report(Reports* out) {
  constexpr int64_t kMostLost = (1 << 23) - 1;
  size_t count = 0;
  for (uint32_t i = 0; i < count_; i++) {
    Source& source = sources_[i];
    if (source.window.empty() || source.received == source.told) continue;
    const uint64_t expected = source.window.highest() - source.base + 1;
    const uint64_t expected_since = expected - source.told_expected;
    const uint64_t received_since = source.received - source.told;
    const uint64_t lost_since = expected_since > received_since ? expected_since - received_since : 0;
    source.told = source.received;
    source.told_expected = expected;
    const auto fraction = expected_since == 0 ? 0 : std::min<uint64_t>(lost_since * 256 / expected_since, 255);
    const int64_t lost = std::min(static_cast<int64_t>(source.lost.get()), kMostLost);
    (*out)[count++] = {source.ssrc, static_cast<uint8_t>(fraction), static_cast<int32_t>(lost),
                       static_cast<uint32_t>(source.window.highest() - kFirstCycle), static_cast<uint32_t>(source.shown_jitter.get())};
  }
  return count;
}

size_t Reception::sources(Sources* out) const {
  const std::scoped_lock lock(mutex_);
  for (size_t i = 0; i < count_; i++) {
    const Source& source = sources_[i];
    (*out)[i] = {source.ssrc, source.packets.get(), source.bytes.get(), source.lost.get(), source.shown_jitter.get(), source.duplicates.get()};
  }
  return count_;
}

}  // namespace media
