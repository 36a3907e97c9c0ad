// Owns the primitives SRTP is made of, over the OpenSSL that Node exports: AES in counter and Galois/counter mode, HMAC-SHA1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

namespace media {

/// One row of RFC 3711, RFC 6188 or RFC 7714; lengths in bytes.
struct CryptoSuite {
  std::string_view name;
  size_t key_length;
  size_t salt_length;
  size_t tag_length;       // of SRTP
  size_t rtcp_tag_length;  // RFC 4568 6.2: 80 bits for SRTCP whatever the counter mode's suite
  bool aead;

  size_t master_length() const { return key_length + salt_length; }
};

inline constexpr size_t kSaltLength = 14;  // the longest
inline constexpr size_t kMaxKeyLength = 32;
inline constexpr size_t kAuthKeyLength = 20;
inline constexpr size_t kMaxTagLength = 16;

inline constexpr CryptoSuite kCryptoSuites[] = {
    {"AES_CM_128_HMAC_SHA1_80", 16, 14, 10, 10, false},
    {"AES_CM_128_HMAC_SHA1_32", 16, 14, 4, 10, false},
    {"AES_192_CM_HMAC_SHA1_80", 24, 14, 10, 10, false},
    {"AES_192_CM_HMAC_SHA1_32", 24, 14, 4, 10, false},
    {"AES_256_CM_HMAC_SHA1_80", 32, 14, 10, 10, false},
    {"AES_256_CM_HMAC_SHA1_32", 32, 14, 4, 10, false},
    {"AEAD_AES_128_GCM", 16, 12, 16, 16, true},
    {"AEAD_AES_256_GCM", 32, 12, 16, 16, true},
};

/// AES in counter mode under one key. The key schedule is made once; a packet only sets the counter block.
class AesCounter {
 public:
  explicit AesCounter(std::span<const uint8_t> key);
  ~AesCounter();
  AesCounter(const AesCounter&) = delete;
  AesCounter& operator=(const AesCounter&) = delete;

  /// Adds the keystream that begins at counter block `iv` to `data`, in place.
  void apply(const uint8_t iv[16], uint8_t* data, size_t length);

 private:
  EVP_CIPHER_CTX* context_;  // Owned.
};

/// AES in Galois/counter mode under one key, with tags of 16 bytes. A packet only sets the IV.
class AesGcm {
 public:
  static constexpr size_t kIvLength = 12;
  static constexpr size_t kTagLength = 16;
  using Bytes = std::span<const uint8_t>;

  explicit AesGcm(std::span<const uint8_t> key);
  ~AesGcm();
  AesGcm(const AesGcm&) = delete;
  AesGcm& operator=(const AesGcm&) = delete;

  /// Encrypts `data` in place and writes its tag, which covers both spans of associated data as well.
  void seal(const uint8_t iv[kIvLength], Bytes associated, Bytes more, std::span<uint8_t> data, uint8_t tag[kTagLength]);
  /// Decrypts in place. False when the tag is wrong; `data` is worth nothing then.
  bool open(const uint8_t iv[kIvLength], Bytes associated, Bytes more, std::span<uint8_t> data, const uint8_t tag[kTagLength]);

 private:
  void run(bool encrypt, const uint8_t* iv, Bytes associated, Bytes more, std::span<uint8_t> data);

  EVP_CIPHER_CTX* context_;  // Owned.
};

/// HMAC-SHA1 (RFC 2104) under one key. The two key blocks are hashed once; a packet starts from copies of that state.
class HmacSha1 {
 public:
  explicit HmacSha1(std::span<const uint8_t> key);
  ~HmacSha1();
  HmacSha1(const HmacSha1&) = delete;
  HmacSha1& operator=(const HmacSha1&) = delete;

  /// The tag over `data` followed by `trailer` (the ROC, which is authenticated but not sent).
  void tag(const uint8_t* data, size_t length, const uint8_t* trailer, size_t trailer_length, uint8_t out[20]) const;

 private:
  SHA_CTX inner_;
  SHA_CTX outer_;
};

/// Compares in time that does not depend on the contents.
bool equal_in_constant_time(const uint8_t* a, const uint8_t* b, size_t length);
void wipe(void* data, size_t length);
void random_bytes(void* data, size_t length);

}  // namespace media
