// Owns STUN messages as ICE sends them (RFC 5389, RFC 8489, RFC 8445 16.1): read in place, written into a buffer of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "crypto.h"
#include "endpoint.h"
#include "rtp.h"

namespace media {

enum class StunClass : uint8_t { kRequest, kIndication, kSuccess, kError };

inline constexpr uint16_t kStunBinding = 1;
inline constexpr size_t kStunTransaction = 12;
/// Longer messages are none that ICE sends.
inline constexpr size_t kMaxStun = 1280;

inline constexpr size_t kStunHeader = 20;
inline constexpr uint32_t kStunCookie = 0x2112a442;

/// RFC 5389 6: what tells a message from everything else.
inline bool looks_like_stun(const uint8_t* data, size_t length) {
  return length >= kStunHeader && length <= kMaxStun && length % 4 == 0 && data[0] < 4 && read16(data + 2) == length - kStunHeader &&
         read32(data + 4) == kStunCookie;
}

/// RFC 8839 5.4: the longest fragment and password.
inline constexpr size_t kMaxIceCredential = 256;

/// HMAC-SHA1 over messages under a short-term password (RFC 5389 15.4).
class StunKey {
 public:
  explicit StunKey(std::string_view password);

  void tag(const uint8_t* data, size_t length, uint8_t out[20]) const { hmac_.tag(data, length, nullptr, 0, out); }

 private:
  HmacSha1 hmac_;
};

/// Views into the bytes it was read from.
struct StunMessage {
  StunClass kind = StunClass::kRequest;
  uint16_t method = 0;
  const uint8_t* transaction = nullptr;  // Borrowed from the packet.
  std::string_view username;
  bool has_priority = false, use_candidate = false, controlling = false, controlled = false, has_fingerprint = false;
  uint32_t priority = 0;
  uint64_t tie_breaker = 0;
  uint16_t error = 0;
  Endpoint mapped;       // XOR-MAPPED-ADDRESS
  size_t integrity = 0;  // where MESSAGE-INTEGRITY begins; 0: there is none
  /// Attributes that must be understood and are not (RFC 5389 7.3.1).
  uint16_t unknown[4] = {};
  size_t unknown_count = 0;

  /// False for what is no STUN message: lengths that do not add up, a wrong cookie, a wrong FINGERPRINT.
  static bool parse(const uint8_t* data, size_t length, StunMessage* out);
  /// Whether MESSAGE-INTEGRITY is there and right. `data` is what was parsed; its length field is changed and restored.
  bool authentic(uint8_t* data, const StunKey& key) const;
};

/// Writes one message; what does not fit makes it empty.
class StunWriter {
 public:
  StunWriter(StunClass kind, const uint8_t transaction[kStunTransaction]);

  void text(uint16_t type, std::string_view value);
  void number(uint16_t type, uint32_t value);
  void number64(uint16_t type, uint64_t value);
  void flag(uint16_t type);
  void mapped_address(const Endpoint& address);
  /// RFC 5389 15.6, without a phrase.
  void error(uint16_t code);
  void unknown_attributes(std::span<const uint16_t> types);
  /// The last two attributes, in this order.
  void integrity(const StunKey& key);
  void fingerprint();

  const uint8_t* data() const { return data_; }
  size_t size() const { return failed_ ? 0 : size_; }

 private:
  uint8_t* attribute(uint16_t type, size_t length);
  void set_length(size_t length);

  uint8_t data_[kMaxStun];
  size_t size_ = 20;
  bool failed_ = false;
};

/// RFC 5389 18.2, RFC 8445 16.1
inline constexpr uint16_t kStunUsername = 0x0006, kStunPriority = 0x0024, kStunUseCandidate = 0x0025;
inline constexpr uint16_t kStunIceControlled = 0x8029, kStunIceControlling = 0x802a;

}  // namespace media
