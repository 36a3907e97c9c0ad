// Owns the reports that the relay sends a far end of its own in place of the other side's (RFC 3550 6): when, and what they say.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "reception.h"

namespace media {

/// The loop's thread alone. Times in microseconds.
class ReportWriter {
 public:
  /// A sender report with a block for each source that is remembered, and the name (RFC 3550 6.4.1, 6.5).
  static constexpr size_t kNameLength = 24;
  static constexpr size_t kLongest = 28 + 24 * Reception::kMaxSources + (10 + kNameLength + 4) / 4 * 4;

  explicit ReportWriter(int64_t now);

  /// RTP that leaves for the far end, in the clear.
  void sent(const uint8_t* data, size_t length, uint32_t clock_rate, int64_t now);
  /// RTCP that came from it, in the clear, whose lengths add up.
  void heard(const uint8_t* data, size_t length, int64_t now);

  /// When the next report is to be written.
  int64_t due() const { return due_; }
  /// Writes it: of what was sent lately a sender report, else a receiver report. Returns its length.
  size_t write(std::span<const ReceptionReport> sources, int64_t now, int64_t wall, uint8_t* out);

 private:
  /// The last sender report of a source.
  struct SenderReport {
    uint32_t ssrc = 0;
    uint32_t middle = 0;  // of its NTP time stamp
    int64_t time = 0;
  };
  static constexpr int64_t kFirst = 2'500'000, kInterval = 5'000'000;

  void plan(int64_t interval, int64_t now);
  size_t write_block(const ReceptionReport& source, int64_t now, uint8_t* out) const;

  uint32_t ssrc_;  // what the far end is sent by; one of its own until something is
  uint32_t packets_ = 0, octets_ = 0;
  uint32_t timestamp_ = 0, clock_rate_ = 8000;
  int64_t sent_at_ = 0;
  int64_t written_ = 0, written_before_ = 0;
  int64_t due_ = 0;
  std::array<SenderReport, Reception::kMaxSources> heard_;
  size_t next_heard_ = 0;
  std::array<char, kNameLength> name_;
};

}  // namespace media
