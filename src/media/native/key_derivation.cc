// Owns the AES-CM pseudo-random function of RFC 3711 4.3.3.
#include "key_derivation.h"

#include <cstring>

namespace media {

void derive_key(AesCounter* master, const uint8_t master_salt[kSaltLength], KeyLabel label,
                std::span<uint8_t> out) {
  // x = (label || r) XOR master_salt, then 16 zero bits where the counter runs; r is 0 at this rate.
  uint8_t iv[16] = {};
  std::memcpy(iv, master_salt, kSaltLength);
  iv[7] ^= static_cast<uint8_t>(label);
  std::memset(out.data(), 0, out.size());
  master->apply(iv, out.data(), out.size());
  wipe(iv, sizeof iv);
}

}  // namespace media
