// Owns what a suite does to one packet under one session key: encryption and tag, in counter mode or AEAD.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "crypto.h"

namespace media {

/// A packet as a cipher sees it. The tag lies wherever the packet's layout puts it.
struct CipherPacket {
  uint8_t* data;
  size_t clear;  // bytes in front that are authenticated but not encrypted
  size_t size;   // those and the payload
  uint32_t ssrc;
  uint64_t index;
  uint8_t trailer[4];  // RTP: the roll-over counter, which is not sent; RTCP: the E bit and the index
  bool encrypted;      // RFC 3711 3.4: SRTCP may be authenticated only
  uint8_t* tag;
  size_t tag_length;
};

class SessionCipher {
 public:
  enum class Purpose : uint8_t { kRtp, kRtcp };

  /// `master` is key then salt.
  static std::unique_ptr<SessionCipher> make(const CryptoSuite& suite, std::span<const uint8_t> master, Purpose purpose);
  /// AES-GCM under session keys that are known already: those of RFC 7714 16 and 17.
  static std::unique_ptr<SessionCipher> galois(std::span<const uint8_t> key, std::span<const uint8_t> salt, Purpose purpose);
  virtual ~SessionCipher() = default;

  /// Encrypts the payload in place and writes the tag.
  virtual void seal(const CipherPacket& packet) = 0;
  /// False when the tag is wrong; the packet is worth nothing then.
  virtual bool open(const CipherPacket& packet) = 0;
};

}  // namespace media
