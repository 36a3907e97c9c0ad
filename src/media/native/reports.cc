// Owns the reading of sender and receiver reports.
#include "reports.h"

#include <algorithm>

#include "rtcp.h"

namespace media {

namespace {

/// A report that answers one of a minute ago tells of clocks, not of the network.
constexpr int64_t kMaxRoundTrip = 60'000'000;

}  // namespace

void Reports::sent(const uint8_t* data, size_t length, int64_t now) {
  each_rtcp_packet(data, length, [&](const uint8_t* packet, size_t size) {
    if (packet[1] != kSenderReport || size < kRtcpHeader + kSenderInfo) return;
    // RFC 3550 6.4.1: LSR is the middle 32 bits of the NTP time stamp.
    sent_[next_sent_] = {read32(packet + 4), read32(packet + 10), now};
    next_sent_ = (next_sent_ + 1) % kMaxSent;
  });
}

void Reports::received(const uint8_t* data, size_t length, int64_t now) {
  const std::scoped_lock lock(mutex_);
  each_rtcp_packet(data, length, [&](const uint8_t* packet, size_t size) {
    if (packet[1] != kSenderReport && packet[1] != kReceiverReport) return;
    size_t at = kRtcpHeader + (packet[1] == kSenderReport ? kSenderInfo : 0);
    for (int i = packet[0] & 0x1f; i > 0 && at + kReportBlock <= size; i--, at += kReportBlock) take_block(packet + at, now);
  });
}

void Reports::take_block(const uint8_t* block, int64_t now) {
  const uint32_t ssrc = read32(block);
  const auto end = blocks_.begin() + static_cast<std::ptrdiff_t>(count_);
  auto found = std::find_if(blocks_.begin(), end, [ssrc](const ReportStats& each) { return each.ssrc == ssrc; });
  if (found == end) {
    if (count_ < kMaxReports) {
      count_++;
    } else {
      found = blocks_.begin() + static_cast<std::ptrdiff_t>(next_block_);
      next_block_ = (next_block_ + 1) % kMaxReports;
    }
    *found = {.ssrc = ssrc, .fraction_lost = 0, .lost = 0, .jitter = 0, .round_trip = -1};
  }
  found->fraction_lost = block[4];
  // A number of 24 bits with a sign.
  found->lost = static_cast<int32_t>(read32(block + 4) << 8) >> 8;
  found->jitter = read32(block + 12);
  const int64_t trip = round_trip(ssrc, block, now);
  if (trip < 0) return;
  found->round_trip = trip;
  round_trips_.least = round_trips_.count == 0 ? trip : std::min(round_trips_.least, trip);
  round_trips_.most = std::max(round_trips_.most, trip);
  round_trips_.last = trip;
  round_trips_.sum += trip;
  round_trips_.count++;
}

/// RFC 3550 6.4.1: the time since the report that LSR names went out, less what the far end held it (DLSR).
int64_t Reports::round_trip(uint32_t ssrc, const uint8_t* block, int64_t now) const {
  const uint32_t last = read32(block + 16);
  if (last == 0) return -1;
  for (const SenderReport& report : sent_) {
    if (report.time == 0 || report.ssrc != ssrc || report.middle != last) continue;
    const int64_t held = static_cast<int64_t>(read32(block + 20)) * 1'000'000 / 65536;
    const int64_t trip = now - report.time - held;
    // The far end's clock is not ours, and its delay is rounded.
    return trip > kMaxRoundTrip || trip < -kMaxRoundTrip ? -1 : std::max<int64_t>(trip, 0);
  }
  return -1;
}

size_t Reports::blocks(Blocks* out) const {
  const std::scoped_lock lock(mutex_);
  std::copy_n(blocks_.begin(), count_, out->begin());
  return count_;
}

RoundTrips Reports::round_trips() const {
  const std::scoped_lock lock(mutex_);
  return round_trips_;
}

}  // namespace media
