// Owns the capture format: the file's header, and the IP and UDP headers that a packet is given.
#include <cstring>

#include "recording.h"
#include "rtp.h"

namespace media {

namespace {

constexpr uint32_t kMagic = 0xa1b2c3d4;  // microseconds, in the byte order of this machine
constexpr uint32_t kSnapshot = 65535;
// https://www.tcpdump.org/linktypes.html
constexpr uint32_t kLinkEthernet = 1, kLinkRaw = 101;
constexpr size_t kEthernet = 14, kUdp = 8, kIp4 = 20, kIp6 = 40;
/// A capture can be watched while it grows. Microseconds.
constexpr int64_t kFlushStep = 500'000;
constexpr uint8_t kHopLimit = 64, kProtocolUdp = 17;

struct FileHeader {
  uint32_t magic = kMagic;
  uint16_t major = 2, minor = 4;
  int32_t zone = 0;
  uint32_t accuracy = 0;
  uint32_t snapshot = kSnapshot;
  uint32_t link;
};

struct PacketHeader {
  uint32_t seconds, microseconds, captured, original;
};

/// RFC 1071
uint16_t checksum(const uint8_t* data, size_t length) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < length; i += 2) sum += read16(data + i);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

}  // namespace

PcapRecording::PcapRecording(int fd, uint64_t limit, Format format) : Recording(fd, limit), format_(format) {
  const FileHeader header{.link = format == Format::kRaw ? kLinkRaw : kLinkEthernet};
  append(&header, sizeof header);
}

void PcapRecording::packet(const RecordedPacket& packet) {
  uint8_t headers[kEthernet + kIp6 + kUdp] = {};
  uint8_t* at = headers;
  const bool six = packet.from.any.sa_family == AF_INET6;
  if (format_ == Format::kEthernet) {
    write16(at + 12, six ? 0x86dd : 0x0800);
    at += kEthernet;
  }
  const auto udp_length = static_cast<uint16_t>(kUdp + packet.original);
  if (six) {
    at[0] = 0x60;
    write16(at + 4, udp_length);
    at[6] = kProtocolUdp;
    at[7] = kHopLimit;
    std::memcpy(at + 8, &packet.from.v6.sin6_addr, 16);
    std::memcpy(at + 24, &packet.to.v6.sin6_addr, 16);
    at += kIp6;
  } else {
    at[0] = 0x45;
    write16(at + 2, static_cast<uint16_t>(kIp4 + udp_length));
    at[8] = kHopLimit;
    at[9] = kProtocolUdp;
    std::memcpy(at + 12, &packet.from.v4.sin_addr, 4);
    std::memcpy(at + 16, &packet.to.v4.sin_addr, 4);
    write16(at + 10, checksum(at, kIp4));
    at += kIp4;
  }
  // The packet was decrypted on its way: a checksum of it would be of something that never was on the wire (RFC 768: 0, none).
  write16(at, packet.from.port());
  write16(at + 2, packet.to.port());
  write16(at + 4, udp_length);
  at += kUdp;
  const auto header_length = static_cast<uint32_t>(at - headers);
  const PacketHeader header{static_cast<uint32_t>(packet.time / 1'000'000), static_cast<uint32_t>(packet.time % 1'000'000),
                            header_length + packet.length, header_length + packet.original};
  append(&header, sizeof header);
  append(headers, header_length);
  append(packet.data.data(), packet.length);
}

void PcapRecording::flush(int64_t time, bool last) {
  if (!gathered() || (!last && time - flushed_ < kFlushStep)) return;
  write_out();
  flushed_ = time;
}

}  // namespace media
