// Owns what may become of a good RTP packet on its way: blocked, silenced, or its telephone events taken out.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "rtp.h"

namespace media {

struct MediaPolicy {
  enum class Media : uint8_t { kPass, kBlock, kSilence };
  enum class Verdict : uint8_t { kPass, kSilenced, kBlock, kBlockDtmf };

  Media media = Media::kPass;
  bool block_dtmf = false;
  std::bitset<128> telephone_events;  // payload types

  bool is_telephone_event(const uint8_t* data) const { return telephone_events[data[1] & 0x7f]; }

  /// `payload` is where the payload begins. Silence is written in place.
  Verdict apply(bool telephone_event, size_t payload, uint8_t* data, size_t length) const {
    if (media == Media::kPass && !(telephone_event && block_dtmf)) return Verdict::kPass;
    return apply_other(telephone_event, payload, data, length);
  }

 private:
  Verdict apply_other(bool telephone_event, size_t payload, uint8_t* data, size_t length) const;
};

}  // namespace media
