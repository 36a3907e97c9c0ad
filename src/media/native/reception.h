// Owns the receiver's statistics of RFC 3550: loss (A.3), jitter (A.8), duplicates, changes of SSRC.
#pragma once

#include <cstdint>

#include "replay_window.h"
#include "rtp.h"
#include "stats.h"

namespace media {

class Reception {
 public:
  /// Timestamp units a second; jitter is measured in these units.
  void set_clock_rate(uint32_t rate) { clock_rate_ = rate; }

  /// `now` in microseconds. Writes lost, jitter, duplicates, ssrc and ssrc_changes of `counters`.
  void received(const RtpHeader& header, int64_t now, StreamCounters* counters);

 private:
  void start(const RtpHeader& header);

  uint32_t clock_rate_ = 8000;
  bool any_ = false;
  uint32_t ssrc_ = 0;
  uint64_t base_ = 0;      // extended sequence number of the first packet
  uint64_t received_ = 0;  // of this SSRC, duplicates aside
  int64_t lost_before_ = 0;  // of earlier SSRCs
  ReplayWindow window_;
  bool has_transit_ = false;
  int64_t transit_ = 0;
  uint32_t timestamp_ = 0;
  int64_t jitter_ = 0;  // scaled by 16, as in A.8
};

}  // namespace media
