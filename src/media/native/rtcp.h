// Owns what the relay checks of an RTCP packet before it passes it on (RFC 3550 6.1, appendix A.2).
#pragma once

#include "rtp.h"

namespace media {

/// RFC 3550 12.1, 12.2, and the lengths of 6.4.1.
inline constexpr uint8_t kSenderReport = 200, kReceiverReport = 201, kSourceDescription = 202;
inline constexpr uint8_t kCname = 1;
inline constexpr size_t kRtcpHeader = 8, kSenderInfo = 20, kReportBlock = 24;

/// The first eight bytes of a compound packet, which SRTCP leaves in the clear.
struct RtcpHeader {
  uint32_t ssrc;

  static bool parse(const uint8_t* data, size_t length, RtcpHeader* out) {
    if (length < 8 || !looks_like_rtcp(data, length)) return false;
    out->ssrc = read32(data + 4);
    return true;
  }
};

/// RFC 3550 A.2: the lengths of a compound packet add up to the packet. RFC 5506 lets any type come first.
inline bool rtcp_lengths_add_up(const uint8_t* data, size_t length) {
  size_t at = 0;
  while (at + 4 <= length) {
    if (data[at] >> 6 != 2) return false;
    at += 4 + 4u * read16(data + at + 2);
  }
  return at == length;
}

/// Calls `visit(packet, length)` for each packet of a compound one.
template <typename Visit>
void each_rtcp_packet(const uint8_t* data, size_t length, Visit visit) {
  size_t at = 0;
  while (at + kRtcpHeader <= length) {
    const size_t size = 4 + 4u * read16(data + at + 2);
    if (at + size > length) return;
    if (size >= kRtcpHeader) visit(data + at, size);
    at += size;
  }
}

}  // namespace media
