// Owns G.711: the two companding laws (ITU-T G.711), and the table from one to the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace media {

enum class Law : uint8_t { kNone, kMu, kA };

/// A sample of 16 bits, of which G.711 has the upper 13 or 14.
int16_t expand(Law law, uint8_t code);
uint8_t compress(Law law, int16_t sample);

/// What each code word of one law is in the other.
const std::array<uint8_t, 256>& translation(Law from, Law to);

/// The code word of amplitude zero.
constexpr uint8_t silence(Law law) { return law == Law::kA ? 0xd5 : 0xff; }

/// RFC 3551 4.5.14: both laws sample 8000 times a second.
inline constexpr int kSamplesPerMillisecond = 8;

}  // namespace media
