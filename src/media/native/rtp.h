// Owns the RTP header (RFC 3550 5.1) and the split of RTP from RTCP on one port (RFC 5761 4).
#pragma once

#include <cstddef>
#include <cstdint>

namespace media {

inline uint16_t read16(const uint8_t* p) { return static_cast<uint16_t>(p[0] << 8 | p[1]); }
inline uint32_t read32(const uint8_t* p) {
  return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 | static_cast<uint32_t>(p[2]) << 8 | p[3];
}
inline void write16(uint8_t* p, uint16_t v) {
  p[0] = static_cast<uint8_t>(v >> 8);
  p[1] = static_cast<uint8_t>(v);
}
inline void write32(uint8_t* p, uint32_t v) {
  p[0] = static_cast<uint8_t>(v >> 24);
  p[1] = static_cast<uint8_t>(v >> 16);
  p[2] = static_cast<uint8_t>(v >> 8);
  p[3] = static_cast<uint8_t>(v);
}

struct RtpHeader {
  uint16_t sequence;
  uint32_t timestamp;
  uint32_t ssrc;
  size_t size;  // header, CSRC list and extension: where the payload begins

  /// RFC 3550 5.1 and 5.3.1: false when the packet is no RTP version 2 or is shorter than its own header says.
  static bool parse(const uint8_t* data, size_t length, RtpHeader* out) {
    if (length < 12 || data[0] >> 6 != 2) return false;
    size_t size = 12 + 4u * (data[0] & 0x0f);
    if (data[0] & 0x10) {
      if (size + 4 > length) return false;
      size += 4 + 4u * read16(data + size + 2);
    }
    if (size > length) return false;
    out->sequence = read16(data + 2);
    out->timestamp = read32(data + 4);
    out->ssrc = read32(data + 8);
    out->size = size;
    return true;
  }
};

/// RFC 5761 4: on a shared port, RTCP is what has one of its packet types, 192 to 223, where RTP has its marker bit and
/// a payload type of 64 to 95, which RTP then does not use.
inline bool looks_like_rtcp(const uint8_t* data, size_t length) {
  return length >= 2 && data[0] >> 6 == 2 && data[1] >= 192 && data[1] <= 223;
}

}  // namespace media
