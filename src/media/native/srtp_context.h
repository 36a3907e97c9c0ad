// Owns SRTP and SRTCP in one direction under one master key (RFC 3711): roll-over counters, replay windows, layout.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "crypto.h"
#include "replay_window.h"
#include "rtp.h"
#include "session_cipher.h"

namespace media {

enum class SrtpResult : uint8_t {
  kOk,
  kShort,      // too short to hold what SRTP adds, or no packet at all
  kMki,        // the master key identifier is not the key's
  kAuth,       // the tag is wrong
  kReplay,     // the index was seen, or is older than the window
  kSsrcLimit,  // more sources under this key than are remembered
  kExhausted,  // RFC 3711 9.2: the key has protected all the packets it may
};

/// A packet is changed in place; `length` says how long it is afterwards. Protecting adds at most kMaxGrowth bytes.
class SrtpContext {
 public:
  /// RFC 4568 6.1 allows 128 bytes.
  static constexpr size_t kMaxMki = 128;
  static constexpr size_t kMaxGrowth = 4 + kMaxMki + kMaxTagLength;
  /// Sources remembered under one key. Only packets that authenticate make a new one, so only the peer can fill it.
  static constexpr size_t kMaxSources = 256;
  /// Bytes of a first packet that is tried under a second index; more are seen in no network.
  static constexpr size_t kMaxFirst = 1500;

  /// `master` is key then salt, as SDES carries it (RFC 4568 6.1); `mki` what every packet names it by, if anything.
  SrtpContext(const CryptoSuite& suite, std::span<const uint8_t> master, std::span<const uint8_t> mki = {});
  ~SrtpContext();
  SrtpContext(const SrtpContext&) = delete;
  SrtpContext& operator=(const SrtpContext&) = delete;

  bool same_key(const SrtpContext& other) const;
  /// Names the key as `other` does.
  void take_mki(const SrtpContext& other);

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
  /// Where what SRTP adds lies in a packet whose payload ends at some place.
  struct Layout {
    size_t tag;
    size_t index;  // of SRTCP: the E bit and the index
    size_t mki;
    size_t end;
  };

  Layout layout(size_t size, size_t tag_length, size_t index_length) const;
  bool names_key(const uint8_t* mki) const;
  bool open_rtp(CipherPacket* packet);
  /// The same of a source that is not known yet; says of which index it is.
  bool open_first(CipherPacket* packet);
  Source* find(uint32_t ssrc);
  Source* find_or_add(uint32_t ssrc);

  const CryptoSuite& suite_;
  std::unique_ptr<SessionCipher> rtp_;
  std::unique_ptr<SessionCipher> rtcp_;
  std::vector<Source> sources_;  // the one in use first; grows by a new source, not by a packet
  size_t mki_length_ = 0;
  std::array<uint8_t, kMaxMki> mki_{};
  std::array<uint8_t, kMaxKeyLength + kSaltLength> master_{};
};

}  // namespace media
