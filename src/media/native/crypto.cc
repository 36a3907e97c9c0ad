// Owns the calls into OpenSSL.
#include "crypto.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstdlib>
#include <cstring>

namespace media {

namespace {

/// OpenSSL looks for a cipher's implementation each time that one begins, unless it was fetched: once for the process.
const EVP_CIPHER* fetched(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  if (!cipher) std::abort();
  return cipher;
}

const EVP_CIPHER* counter_mode(size_t key_length) {
  static const EVP_CIPHER* const ciphers[] = {fetched("AES-128-CTR"), fetched("AES-192-CTR"), fetched("AES-256-CTR")};
  return ciphers[key_length / 8 - 2];
}

const EVP_CIPHER* galois_mode(size_t key_length) {
  static const EVP_CIPHER* const ciphers[] = {fetched("AES-128-GCM"), fetched("AES-256-GCM")};
  return ciphers[key_length / 16 - 1];
}

}  // namespace

AesCounter::AesCounter(std::span<const uint8_t> key) : context_(EVP_CIPHER_CTX_new()) {
  const EVP_CIPHER* cipher = counter_mode(key.size());
  // Out of memory, or an OpenSSL without AES: media in the clear is no way to go on.
  if (!context_ || EVP_EncryptInit_ex(context_, cipher, nullptr, key.data(), nullptr) != 1) std::abort();
}

AesCounter::~AesCounter() { EVP_CIPHER_CTX_free(context_); }

void AesCounter::apply(const uint8_t iv[16], uint8_t* data, size_t length) {
  int written = 0;
  if (EVP_EncryptInit_ex(context_, nullptr, nullptr, nullptr, iv) != 1 ||
      EVP_EncryptUpdate(context_, data, &written, data, static_cast<int>(length)) != 1)
    std::abort();
}

AesGcm::AesGcm(std::span<const uint8_t> key) : context_(EVP_CIPHER_CTX_new()) {
  const EVP_CIPHER* cipher = galois_mode(key.size());
  if (!context_ || EVP_CipherInit_ex(context_, cipher, nullptr, key.data(), nullptr, 1) != 1) std::abort();
}

AesGcm::~AesGcm() { EVP_CIPHER_CTX_free(context_); }

void AesGcm::run(bool encrypt, const uint8_t* iv, Bytes associated, Bytes more, std::span<uint8_t> data) {
  int written = 0;
  if (EVP_CipherInit_ex(context_, nullptr, nullptr, nullptr, iv, encrypt ? 1 : 0) != 1) std::abort();
  for (const Bytes part : {associated, more}) {
    if (!part.empty() && EVP_CipherUpdate(context_, nullptr, &written, part.data(), static_cast<int>(part.size())) != 1)
      std::abort();
  }
  if (!data.empty() && EVP_CipherUpdate(context_, data.data(), &written, data.data(), static_cast<int>(data.size())) != 1)
    std::abort();
}

void AesGcm::seal(const uint8_t iv[kIvLength], Bytes associated, Bytes more, std::span<uint8_t> data, uint8_t tag[kTagLength]) {
  run(true, iv, associated, more, data);
  int written = 0;
  uint8_t none[16];
  if (EVP_CipherFinal_ex(context_, none, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTagLength, tag) != 1)
    std::abort();
}

bool AesGcm::open(const uint8_t iv[kIvLength], Bytes associated, Bytes more, std::span<uint8_t> data, const uint8_t tag[kTagLength]) {
  run(false, iv, associated, more, data);
  int written = 0;
  uint8_t none[16];
  if (EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTagLength, const_cast<uint8_t*>(tag)) != 1) std::abort();
  return EVP_CipherFinal_ex(context_, none, &written) == 1;
}

HmacSha1::HmacSha1(std::span<const uint8_t> key) {
  uint8_t block[SHA_CBLOCK] = {};
  std::memcpy(block, key.data(), key.size());
  for (uint8_t& byte : block) byte ^= 0x36;
  SHA1_Init(&inner_);
  SHA1_Update(&inner_, block, sizeof block);
  for (uint8_t& byte : block) byte ^= 0x36 ^ 0x5c;
  SHA1_Init(&outer_);
  SHA1_Update(&outer_, block, sizeof block);
  wipe(block, sizeof block);
}

HmacSha1::~HmacSha1() {
  wipe(&inner_, sizeof inner_);
  wipe(&outer_, sizeof outer_);
}

void HmacSha1::tag(const uint8_t* data, size_t length, const uint8_t* trailer, size_t trailer_length,
                   uint8_t out[20]) const {
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA_CTX state = inner_;
  SHA1_Update(&state, data, length);
  SHA1_Update(&state, trailer, trailer_length);
  SHA1_Final(digest, &state);
  state = outer_;
  SHA1_Update(&state, digest, sizeof digest);
  SHA1_Final(out, &state);
}

bool equal_in_constant_time(const uint8_t* a, const uint8_t* b, size_t length) { return CRYPTO_memcmp(a, b, length) == 0; }

void wipe(void* data, size_t length) { OPENSSL_cleanse(data, length); }

void random_bytes(void* data, size_t length) {
  if (RAND_bytes(static_cast<unsigned char*>(data), static_cast<int>(length)) != 1) std::abort();
}

}  // namespace media
