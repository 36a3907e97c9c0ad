// Owns the bytes of STUN messages (RFC 5389 6 and 15).
#include "stun.h"

#include <array>
#include <cstring>
#include <vector>

#include "rtp.h"

namespace media {

namespace {

constexpr size_t kTag = 20;
constexpr uint32_t kFingerprintXor = 0x5354554e;  // RFC 5389 15.5

constexpr uint16_t kMappedAddress = 0x0001, kIntegrity = 0x0008, kErrorCode = 0x0009, kUnknownAttributes = 0x000a;
constexpr uint16_t kRealm = 0x0014, kNonce = 0x0015, kXorMappedAddress = 0x0020, kFingerprint = 0x8028;

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
    table[i] = value;
  }
  return table;
}

uint32_t crc32(const uint8_t* data, size_t length) {
  static constexpr auto table = crc_table();
  uint32_t value = 0xffffffff;
  for (size_t i = 0; i < length; i++) value = table[(value ^ data[i]) & 0xff] ^ value >> 8;
  return ~value;
}

void put16(uint8_t* p, size_t v) {
  p[0] = static_cast<uint8_t>(v >> 8);
  p[1] = static_cast<uint8_t>(v);
}

size_t padded(size_t length) { return (length + 3) & ~size_t{3}; }

/// RFC 2104 2: a key longer than a block is hashed first.
std::vector<uint8_t> hmac_key(std::string_view password) {
  std::vector<uint8_t> key(password.begin(), password.end());
  if (key.size() <= SHA_CBLOCK) return key;
  std::vector<uint8_t> digest(SHA_DIGEST_LENGTH);
  SHA1(key.data(), key.size(), digest.data());
  return digest;
}

/// RFC 5389 15.2: the port under the cookie's first half, the address under cookie and transaction.
bool read_mapped(const uint8_t* value, size_t length, const uint8_t* header, Endpoint* out) {
  const bool v6 = length == 20 && value[1] == 2;
  if (!v6 && !(length == 8 && value[1] == 1)) return false;
  Endpoint result;
  result.any.sa_family = v6 ? AF_INET6 : AF_INET;
  result.set_port(static_cast<uint16_t>(read16(value + 2) ^ kStunCookie >> 16));
  auto* address = v6 ? result.v6.sin6_addr.s6_addr : reinterpret_cast<uint8_t*>(&result.v4.sin_addr);
  for (size_t i = 0; i < length - 4; i++) address[i] = value[4 + i] ^ header[4 + i];
  *out = result;
  return true;
}

}  // namespace

StunKey::StunKey(std::string_view password) : hmac_(hmac_key(password)) {}

bool StunMessage::parse(const uint8_t* data, size_t length, StunMessage* out) {
  if (!looks_like_stun(data, length)) return false;
  StunMessage message;
  // RFC 5389 6: two bits of class within fourteen of type.
  const uint16_t type = read16(data);
  message.kind = static_cast<StunClass>((type >> 7 & 2) | (type >> 4 & 1));
  message.method = static_cast<uint16_t>((type & 0x000f) | (type >> 1 & 0x0070) | (type >> 2 & 0x0f80));
  message.transaction = data + 8;
  bool has_username = false;
  for (size_t at = kStunHeader; at < length;) {
    if (message.has_fingerprint || at + 4 > length) return false;  // RFC 5389 15.5: FINGERPRINT is the last
    const uint16_t name = read16(data + at);
    const size_t size = read16(data + at + 2);
    const uint8_t* value = data + at + 4;
    if (at + 4 + padded(size) > length) return false;
    if (name == kFingerprint) {
      if (size != 4 || (crc32(data, at) ^ kFingerprintXor) != read32(value)) return false;
      message.has_fingerprint = true;
    } else if (message.integrity != 0) {
      // RFC 5389 15.4: what follows MESSAGE-INTEGRITY is not covered by it, and ignored.
    } else if (name == kIntegrity) {
      if (size != kTag) return false;
      message.integrity = at;
    } else if (name == kStunUsername) {
      if (!has_username) message.username = {reinterpret_cast<const char*>(value), size};
      has_username = true;
    } else if (name == kStunPriority && size == 4) {
      message.has_priority = true;
      message.priority = read32(value);
    } else if (name == kStunUseCandidate) {
      message.use_candidate = true;
    } else if ((name == kStunIceControlled || name == kStunIceControlling) && size == 8) {
      (name == kStunIceControlling ? message.controlling : message.controlled) = true;
      message.tie_breaker = static_cast<uint64_t>(read32(value)) << 32 | read32(value + 4);
    } else if (name == kErrorCode && size >= 4) {
      message.error = static_cast<uint16_t>((value[2] & 7) * 100 + value[3]);
    } else if (name == kXorMappedAddress) {
      if (!read_mapped(value, size, data, &message.mapped)) return false;
    } else if (name < 0x8000 && name != kMappedAddress && name != kUnknownAttributes && name != kRealm && name != kNonce) {
      if (message.unknown_count < std::size(message.unknown)) message.unknown[message.unknown_count++] = name;
    }
    at += 4 + padded(size);
  }
  *out = message;
  return true;
}

bool StunMessage::authentic(uint8_t* data, const StunKey& key) const {
  if (integrity == 0) return false;
  // RFC 5389 15.4: the length counts up to the end of MESSAGE-INTEGRITY.
  const uint16_t whole = read16(data + 2);
  put16(data + 2, integrity + 4 + kTag - kStunHeader);
  uint8_t tag[kTag];
  key.tag(data, integrity, tag);
  put16(data + 2, whole);
  return equal_in_constant_time(tag, data + integrity + 4, kTag);
}

StunWriter::StunWriter(StunClass kind, const uint8_t transaction[kStunTransaction]) {
  const auto bits = static_cast<unsigned>(kind);
  put16(data_, (bits & 2) << 7 | (bits & 1) << 4 | kStunBinding);
  write32(data_ + 4, kStunCookie);
  std::memcpy(data_ + 8, transaction, kStunTransaction);
  set_length(size_);
}

void StunWriter::set_length(size_t length) { put16(data_ + 2, length - kStunHeader); }

uint8_t* StunWriter::attribute(uint16_t type, size_t length) {
  if (failed_ || size_ + 4 + padded(length) > sizeof data_) {
    failed_ = true;
    return nullptr;
  }
  uint8_t* at = data_ + size_;
  put16(at, type);
  put16(at + 2, length);
  std::memset(at + 4, 0, padded(length));
  size_ += 4 + padded(length);
  set_length(size_);
  return at + 4;
}

void StunWriter::text(uint16_t type, std::string_view value) {
  if (uint8_t* at = attribute(type, value.size())) std::memcpy(at, value.data(), value.size());
}

void StunWriter::number(uint16_t type, uint32_t value) {
  if (uint8_t* at = attribute(type, 4)) write32(at, value);
}

void StunWriter::number64(uint16_t type, uint64_t value) {
  if (uint8_t* at = attribute(type, 8)) {
    write32(at, static_cast<uint32_t>(value >> 32));
    write32(at + 4, static_cast<uint32_t>(value));
  }
}

void StunWriter::flag(uint16_t type) { attribute(type, 0); }

void StunWriter::mapped_address(const Endpoint& address) {
  const bool v6 = address.any.sa_family == AF_INET6;
  const size_t size = v6 ? 16 : 4;
  uint8_t* at = attribute(kXorMappedAddress, 4 + size);
  if (!at) return;
  at[1] = v6 ? 2 : 1;
  put16(at + 2, address.port() ^ kStunCookie >> 16);
  const auto* from = v6 ? address.v6.sin6_addr.s6_addr : reinterpret_cast<const uint8_t*>(&address.v4.sin_addr);
  for (size_t i = 0; i < size; i++) at[4 + i] = from[i] ^ data_[4 + i];
}

void StunWriter::error(uint16_t code) {
  uint8_t* at = attribute(kErrorCode, 4);
  if (!at) return;
  at[2] = static_cast<uint8_t>(code / 100);
  at[3] = static_cast<uint8_t>(code % 100);
}

void StunWriter::unknown_attributes(std::span<const uint16_t> types) {
  uint8_t* at = attribute(kUnknownAttributes, 2 * types.size());
  for (size_t i = 0; at && i < types.size(); i++) put16(at + 2 * i, types[i]);
}

void StunWriter::integrity(const StunKey& key) {
  const size_t covered = size_;
  if (uint8_t* at = attribute(kIntegrity, kTag)) key.tag(data_, covered, at);
}

void StunWriter::fingerprint() {
  const size_t covered = size_;
  if (uint8_t* at = attribute(kFingerprint, 4)) write32(at, crc32(data_, covered) ^ kFingerprintXor);
}

}  // namespace media
