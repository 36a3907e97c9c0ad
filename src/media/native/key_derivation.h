// Owns the derivation of session keys from an SDES master key and salt (RFC 3711 4.3).
#pragma once

#include <cstdint>
#include <span>

#include "crypto.h"

namespace media {

/// RFC 3711 4.3.2: what a derived key is for.
enum class KeyLabel : uint8_t {
  kRtpCipher = 0,
  kRtpAuth = 1,
  kRtpSalt = 2,
  kRtcpCipher = 3,
  kRtcpAuth = 4,
  kRtcpSalt = 5,
};

/// RFC 3711 4.3.3 with a key derivation rate of 0, the only one that SDES offers in practice: one derivation a key.
/// A salt of 96 bits (RFC 7714 12) stands in front of two zero bytes, as in every implementation met. `master` has the
/// master key, for as many derivations as there are.
void derive_key(AesCounter* master, const uint8_t master_salt[kSaltLength], KeyLabel label,
                std::span<uint8_t> out);

}  // namespace media
