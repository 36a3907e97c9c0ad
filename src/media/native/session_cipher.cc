// Owns the transforms of RFC 3711 4 (AES-CM with HMAC-SHA1) and of RFC 7714 8 and 9 (AES-GCM).
#include "session_cipher.h"

#include <array>
#include <cstring>

#include "key_derivation.h"

namespace media {

namespace {

/// A derived key that is wiped when it was handed on.
template <size_t Most>
class DerivedKey {
 public:
  DerivedKey(AesCounter* master, std::span<const uint8_t> master_salt, KeyLabel label, size_t length) : length_(length) {
    uint8_t salt[kSaltLength] = {};
    std::memcpy(salt, master_salt.data(), master_salt.size());
    derive_key(master, salt, label, std::span(bytes_).first(length));
    wipe(salt, sizeof salt);
  }
  ~DerivedKey() { wipe(bytes_.data(), bytes_.size()); }
  DerivedKey(const DerivedKey&) = delete;
  DerivedKey& operator=(const DerivedKey&) = delete;

  std::span<const uint8_t> bytes() const { return std::span(bytes_).first(length_); }

 private:
  std::array<uint8_t, Most> bytes_{};
  size_t length_;
};

KeyLabel label(SessionCipher::Purpose purpose, KeyLabel of_rtp) {
  const int step = purpose == SessionCipher::Purpose::kRtcp ? static_cast<int>(KeyLabel::kRtcpCipher) : 0;
  return static_cast<KeyLabel>(static_cast<int>(of_rtp) + step);
}

void xor32(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] ^= static_cast<uint8_t>(value >> (24 - 8 * i));
}

void xor48(uint8_t* at, uint64_t value) {
  for (int i = 0; i < 6; i++) at[i] ^= static_cast<uint8_t>(value >> (40 - 8 * i));
}

class CounterMode final : public SessionCipher {
 public:
  CounterMode(size_t key_length, AesCounter* master, std::span<const uint8_t> master_salt, Purpose purpose)
      : cipher_(DerivedKey<kMaxKeyLength>(master, master_salt, label(purpose, KeyLabel::kRtpCipher), key_length).bytes()),
        auth_(DerivedKey<kAuthKeyLength>(master, master_salt, label(purpose, KeyLabel::kRtpAuth), kAuthKeyLength).bytes()) {
    const DerivedKey<kSaltLength> salt(master, master_salt, label(purpose, KeyLabel::kRtpSalt), kSaltLength);
    std::memcpy(salt_, salt.bytes().data(), kSaltLength);
  }
  ~CounterMode() override { wipe(salt_, sizeof salt_); }

  void seal(const CipherPacket& packet) override {
    if (packet.encrypted) crypt(packet);
    uint8_t tag[20];
    auth_.tag(packet.data, packet.size, packet.trailer, sizeof packet.trailer, tag);
    std::memcpy(packet.tag, tag, packet.tag_length);
  }

  bool open(const CipherPacket& packet) override {
    uint8_t tag[20];
    auth_.tag(packet.data, packet.size, packet.trailer, sizeof packet.trailer, tag);
    if (!equal_in_constant_time(tag, packet.tag, packet.tag_length)) return false;
    if (packet.encrypted) crypt(packet);
    return true;
  }

 private:
  /// RFC 3711 4.1.1: IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16).
  void crypt(const CipherPacket& packet) {
    uint8_t iv[16];
    std::memcpy(iv, salt_, kSaltLength);
    iv[14] = iv[15] = 0;
    xor32(iv + 4, packet.ssrc);
    xor48(iv + 8, packet.index);
    cipher_.apply(iv, packet.data + packet.clear, packet.size - packet.clear);
  }

  AesCounter cipher_;
  HmacSha1 auth_;
  uint8_t salt_[kSaltLength];
};

class GaloisMode final : public SessionCipher {
 public:
  GaloisMode(std::span<const uint8_t> key, std::span<const uint8_t> salt, Purpose purpose)
      : rtcp_(purpose == Purpose::kRtcp), cipher_(key) {
    std::memcpy(salt_, salt.data(), sizeof salt_);
  }
  ~GaloisMode() override { wipe(salt_, sizeof salt_); }

  void seal(const CipherPacket& packet) override {
    uint8_t iv[AesGcm::kIvLength];
    make_iv(packet, iv);
    cipher_.seal(iv, associated(packet), trailer(packet), encrypted(packet), packet.tag);
  }

  bool open(const CipherPacket& packet) override {
    uint8_t iv[AesGcm::kIvLength];
    make_iv(packet, iv);
    return cipher_.open(iv, associated(packet), trailer(packet), encrypted(packet), packet.tag);
  }

 private:
  /// RFC 7714 8.1 and 9.1: two zero bytes, SSRC, and the index in 48 bits, XOR the salt.
  void make_iv(const CipherPacket& packet, uint8_t iv[AesGcm::kIvLength]) const {
    std::memcpy(iv, salt_, sizeof salt_);
    xor32(iv + 2, packet.ssrc);
    xor48(iv + 6, packet.index);
  }

  // RFC 7714 8.2, 9.2 and 9.3: the header is associated data; of SRTCP also the E bit with the index, and all that is
  // not encrypted.
  static AesGcm::Bytes associated(const CipherPacket& packet) {
    return {packet.data, packet.encrypted ? packet.clear : packet.size};
  }
  AesGcm::Bytes trailer(const CipherPacket& packet) const { return {packet.trailer, rtcp_ ? sizeof packet.trailer : 0}; }
  static std::span<uint8_t> encrypted(const CipherPacket& packet) {
    return {packet.data + packet.clear, packet.encrypted ? packet.size - packet.clear : 0};
  }

  const bool rtcp_;
  AesGcm cipher_;
  uint8_t salt_[AesGcm::kIvLength];
};

}  // namespace

std::unique_ptr<SessionCipher> SessionCipher::make(const CryptoSuite& suite, std::span<const uint8_t> master, Purpose purpose) {
  AesCounter key_of_keys(master.first(suite.key_length));
  const auto master_salt = master.subspan(suite.key_length, suite.salt_length);
  if (!suite.aead) return std::make_unique<CounterMode>(suite.key_length, &key_of_keys, master_salt, purpose);
  const DerivedKey<kMaxKeyLength> key(&key_of_keys, master_salt, label(purpose, KeyLabel::kRtpCipher), suite.key_length);
  const DerivedKey<kSaltLength> salt(&key_of_keys, master_salt, label(purpose, KeyLabel::kRtpSalt), suite.salt_length);
  return galois(key.bytes(), salt.bytes(), purpose);
}

std::unique_ptr<SessionCipher> SessionCipher::galois(std::span<const uint8_t> key, std::span<const uint8_t> salt, Purpose purpose) {
  return std::make_unique<GaloisMode>(key, salt, purpose);
}

}  // namespace media
