// Owns what RTCP reports tell of what the far end is sent: its loss and jitter, and the round trip (RFC 3550 6.4.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace media {

/// The last report block of the far end on one SSRC that it is sent.
struct ReportStats {
  uint32_t ssrc;
  uint32_t fraction_lost;  // of 256
  int32_t lost;            // since the beginning; duplicates make it negative
  uint32_t jitter;         // timestamp units
  int64_t round_trip;      // microseconds; -1: not known
};

struct RoundTrips {
  uint64_t count = 0;
  int64_t last = -1, least = -1, most = -1;  // microseconds
  int64_t sum = 0;
};

/// sent() and received() are the loop's, the readers any thread's. RTCP is rare, so that the lock is no cost.
class Reports {
 public:
  static constexpr size_t kMaxReports = 8;
  using Blocks = std::array<ReportStats, kMaxReports>;

  /// Compound packets in the clear whose lengths add up. Times in microseconds.
  void sent(const uint8_t* data, size_t length, int64_t now);
  void received(const uint8_t* data, size_t length, int64_t now);

  /// Those of the SSRCs reported on last, in no order. Returns how many there are.
  size_t blocks(Blocks* out) const;
  RoundTrips round_trips() const;

 private:
  /// A sender report that went to the far end, by what LSR will name it.
  struct SenderReport {
    uint32_t ssrc = 0;
    uint32_t middle = 0;  // of its NTP time stamp
    int64_t time = 0;
  };
  static constexpr size_t kMaxSent = 8;

  void take_block(const uint8_t* block, int64_t now);
  int64_t round_trip(uint32_t ssrc, const uint8_t* block, int64_t now) const;

  std::array<SenderReport, kMaxSent> sent_;
  size_t next_sent_ = 0;
  mutable std::mutex mutex_;
  Blocks blocks_;
  size_t count_ = 0;
  size_t next_block_ = 0;
  RoundTrips round_trips_;
};

}  // namespace media
