// Owns SRTP and SRTCP in one direction under one master key (RFC 3711): roll-over counters, replay windows, tags.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "crypto.h"
#include "replay_window.h"
#include "rtp.h"

namespace media {

enum class SrtpResult : uint8_t {
  kOk,
  kShort,      // too short to hold what SRTP adds, or no packet at all
  kAuth,       // the tag is wrong
  kReplay,     // the index was seen, or is older than the window
  kSsrcLimit,  // more sources under this key than are remembered
  kExhausted,  // RFC 3711 9.2: the key has protected all the packets it may
};

/// A packet is changed in place; `length` says how long it is afterwards. Protecting adds at most kMaxGrowth bytes.
class SrtpContext {
 public:
  static constexpr size_t kMaxGrowth = 4 + kMaxTagLength;
  /// Sources remembered under one key. Only packets that authenticate make a new one, so only the peer can fill it.
  static constexpr size_t kMaxSources = 256;

  /// `master` is key then salt, as SDES carries it (RFC 4568 6.1).
  SrtpContext(const CryptoSuite& suite, std::span<const uint8_t> master);
  ~SrtpContext();
  SrtpContext(const SrtpContext&) = delete;
  SrtpContext& operator=(const SrtpContext&) = delete;

  bool same_key(const SrtpContext& other) const;

  SrtpResult protect_rtp(uint8_t* data, size_t* length);
  SrtpResult unprotect_rtp(uint8_t* data, size_t* length);
  SrtpResult protect_rtcp(uint8_t* data, size_t* length);
  SrtpResult unprotect_rtcp(uint8_t* data, size_t* length);

 private:
  struct Source {
    uint32_t ssrc = 0;
    uint32_t next_rtcp = 0;  // index of the next SRTCP packet sent
    ReplayWindow rtp;        // its highest index is 2^16 * ROC + s_l
    ReplayWindow rtcp;
  };
  struct SessionKeys {
    SessionKeys(const CryptoSuite& suite, std::span<const uint8_t> master, uint8_t first_label);
    ~SessionKeys();
    void counter_block(uint32_t ssrc, uint64_t index, uint8_t iv[16]) const;

    uint8_t salt[kSaltLength];
    std::array<uint8_t, kMaxKeyLength> cipher_key;
    std::array<uint8_t, kAuthKeyLength> auth_key;
    AesCounter cipher;
    HmacSha1 auth;
  };

  Source* find(uint32_t ssrc);
  Source* find_or_add(uint32_t ssrc);

  const CryptoSuite& suite_;
  std::array<uint8_t, kMaxKeyLength + kSaltLength> master_{};
  SessionKeys rtp_;
  SessionKeys rtcp_;
  std::vector<Source> sources_;  // the one in use first; grows by a new source, not by a packet
};

}  // namespace media
