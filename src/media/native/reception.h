// Owns the receiver's statistics of RFC 3550, by SSRC: loss (A.3), jitter (A.8), duplicates, changes of SSRC.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "replay_window.h"
#include "rtp.h"
#include "stats.h"

namespace media {

/// What is told of one SSRC that was heard.
struct SourceStats {
  uint32_t ssrc;
  uint64_t packets;  // duplicates aside
  uint64_t bytes;
  uint64_t lost;
  uint64_t jitter;  // timestamp units
  uint64_t duplicates;
};

/// What a report block says of one SSRC (RFC 3550 6.4.1).
struct ReceptionReport {
  uint32_t ssrc;
  uint8_t fraction_lost;  // of 256, since the last time
  int32_t lost;           // since the beginning; 24 bits with a sign
  uint32_t highest;       // sequence number, with its cycles
  uint32_t jitter;        // timestamp units
};

/// received() and report() are the loop's; sources() any thread's.
class Reception {
 public:
  /// A sender may change its SSRC as often as it likes; the last ones heard are remembered.
  static constexpr size_t kMaxSources = 8;
  using Sources = std::array<SourceStats, kMaxSources>;

  /// Timestamp units a second; jitter is measured in these units.
  void set_clock_rate(uint32_t rate) { clock_rate_ = rate; }

  /// `now` in microseconds. Writes lost, jitter, duplicates, ssrc and ssrc_changes of `counters`.
  void received(const RtpHeader& header, size_t bytes, int64_t now, StreamCounters* counters);

  using Reports = std::array<ReceptionReport, kMaxSources>;
  /// Those heard since the last time. Returns how many there are.
  size_t report(Reports* out);

  /// Asks the cache for what received() will touch.
  void fetch() const { media::fetch(this, 3); }

  /// In no order. Returns how many there are.
  size_t sources(Sources* out) const;

 private:
  struct Source {
    ReplayWindow window;
    uint32_t ssrc = 0;
    uint32_t timestamp = 0;
    uint64_t base = 0;        // extended sequence number of the first packet
    uint64_t received = 0;    // since it began (anew), duplicates aside
    int64_t transit = 0;
    int64_t jitter = 0;       // scaled by 16, as in A.8
    uint64_t heard = 0;       // the last packet's number: those of one batch have one time
    bool has_transit = false;
    Counter packets, bytes, shown_jitter;
    Counter lost, duplicates;
    int64_t lost_before = 0;  // before it began anew
    uint64_t told = 0;        // packets of the last report() that spoke of it, and those that it expected
    uint64_t told_expected = 0;

    void start(const RtpHeader& header);
    void reset(uint32_t new_ssrc);
    void measure_jitter(const RtpHeader& header, int64_t now, uint32_t clock_rate);
  };

  Source& source_of(uint32_t ssrc, StreamCounters* counters);

  uint32_t clock_rate_ = 8000;
  uint32_t count_ = 0;
  uint32_t current_ = 0;
  uint64_t heard_ = 0;  // packets
  std::array<Source, kMaxSources> sources_;
  mutable std::mutex mutex_;  // taken by the loop only when an SSRC takes a place
};

}  // namespace media
