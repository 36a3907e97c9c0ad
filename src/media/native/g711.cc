// Owns the arithmetic of the companding laws.
#include "g711.h"

#include <bit>

namespace media {

namespace {

constexpr int kMuBias = 0x84;
constexpr int kMuClip = 32635;
/// ITU-T G.711 3.1: even bits of an A-law code word are inverted.
constexpr uint8_t kEvenBits = 0x55;

int16_t expand_mu(uint8_t code) {
  code = static_cast<uint8_t>(~code);
  const int magnitude = (((code & 0x0f) << 3) + kMuBias) << ((code & 0x70) >> 4);
  return static_cast<int16_t>(code & 0x80 ? kMuBias - magnitude : magnitude - kMuBias);
}

uint8_t compress_mu(int16_t sample) {
  const bool negative = sample < 0;
  int magnitude = negative ? -static_cast<int>(sample) : sample;
  if (magnitude > kMuClip) magnitude = kMuClip;
  magnitude += kMuBias;
  const int segment = std::bit_width(static_cast<unsigned>(magnitude)) - 8;
  const int code = segment << 4 | ((magnitude >> (segment + 3)) & 0x0f);
  return static_cast<uint8_t>(~(code | (negative ? 0x80 : 0)));
}

int16_t expand_a(uint8_t code) {
  code ^= kEvenBits;
  const int segment = (code & 0x70) >> 4;
  int magnitude = ((code & 0x0f) << 4) + 8;
  if (segment > 0) magnitude = (magnitude + 0x100) << (segment - 1);
  return static_cast<int16_t>(code & 0x80 ? magnitude : -magnitude);
}

uint8_t compress_a(int16_t sample) {
  const bool negative = sample < 0;
  // The negative half is shifted by one step, so that -1 and 0 have code words of their own.
  const int magnitude = (negative ? -static_cast<int>(sample) - 1 : sample) >> 4;
  const int segment = magnitude < 32 ? magnitude >> 4 : std::bit_width(static_cast<unsigned>(magnitude)) - 4;
  const int shift = segment < 2 ? 0 : segment - 1;
  const int code = segment << 4 | ((magnitude >> shift) & 0x0f);
  return static_cast<uint8_t>((code | (negative ? 0 : 0x80)) ^ kEvenBits);
}

std::array<uint8_t, 256> table(Law from, Law to) {
  std::array<uint8_t, 256> result;
  for (size_t i = 0; i < result.size(); i++) {
    const auto code = static_cast<uint8_t>(i);
    result[i] = from == to ? code : compress(to, expand(from, code));
  }
  return result;
}

}  // namespace

int16_t expand(Law law, uint8_t code) { return law == Law::kA ? expand_a(code) : expand_mu(code); }

uint8_t compress(Law law, int16_t sample) { return law == Law::kA ? compress_a(sample) : compress_mu(sample); }

const std::array<uint8_t, 256>& translation(Law from, Law to) {
  static const std::array<uint8_t, 256> same = table(Law::kMu, Law::kMu);
  static const std::array<uint8_t, 256> to_a = table(Law::kMu, Law::kA);
  static const std::array<uint8_t, 256> to_mu = table(Law::kA, Law::kMu);
  return from == to ? same : to == Law::kA ? to_a : to_mu;
}

}  // namespace media
