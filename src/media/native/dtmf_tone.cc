// Owns the frequencies of keys, and their level.
#include "dtmf_tone.h"

#include <cmath>
#include <numbers>

namespace media {

namespace {

constexpr double kRows[] = {697, 770, 852, 941};
constexpr double kColumns[] = {1209, 1336, 1477, 1633};
/// RFC 4733 3.2, table 3: row and column of each event, in the order of their codes.
constexpr uint8_t kKeys[16][2] = {{3, 1}, {0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {2, 0},
                                  {2, 1}, {2, 2}, {3, 0}, {3, 2}, {0, 3}, {1, 3}, {2, 3}, {3, 3}};
/// ITU-T G.711: a sine of 0 dBm0 is 3.14 dB below the largest one.
constexpr double kZeroLevel = 22827;

double step(double frequency) { return 2 * std::numbers::pi * frequency / (1000 * kSamplesPerMillisecond); }

}  // namespace

DtmfTone::DtmfTone(uint8_t event, uint8_t volume)
    : low_step_(step(kRows[kKeys[event & 15][0]])),
      high_step_(step(kColumns[kKeys[event & 15][1]])),
      // Two tones of half the power each.
      amplitude_(kZeroLevel * std::pow(10, -volume / 20.0) * std::numbers::sqrt2 / 2) {}

void DtmfTone::fill(Law law, uint8_t* out, size_t count) {
  for (size_t i = 0; i < count; i++, position_++) {
    const auto at = static_cast<double>(position_);
    out[i] = compress(law, static_cast<int16_t>(amplitude_ * (std::sin(low_step_ * at) + std::sin(high_step_ * at))));
  }
}

}  // namespace media
