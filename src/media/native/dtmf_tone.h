// Owns the sound of a key: the two tones of ITU-T Q.23, as samples.
#pragma once

#include <cstddef>
#include <cstdint>

#include "g711.h"

namespace media {

class DtmfTone {
 public:
  /// `event` 0 to 15; `volume` of both tones together, dBm0 with the sign dropped.
  DtmfTone(uint8_t event, uint8_t volume);

  /// The next samples, in the law's code words.
  void fill(Law law, uint8_t* out, size_t count);

 private:
  double low_step_;
  double high_step_;
  double amplitude_;
  uint64_t position_ = 0;
};

}  // namespace media
