// Owns the writing of SR, RR and SDES, and the times between them.
#include "report_writer.h"

#include <algorithm>
#include <cstring>

#include "crypto.h"
#include "rtcp.h"

namespace media {

namespace {

/// Between the epochs of NTP (1900) and of Unix.
constexpr uint64_t kNtpOffset = 2'208'988'800;
/// RFC 3550 6.3.1: what timer reconsideration would take away, e - 3/2.
constexpr double kReconsidered = 1.21828;

uint32_t random32() {
  uint32_t value;
  random_bytes(&value, sizeof value);
  return value;
}

/// 32 bits of seconds, 32 of their fractions.
uint64_t ntp_time(int64_t wall) {
  const auto micros = static_cast<uint64_t>(wall);
  return (micros / 1'000'000 + kNtpOffset) << 32 | ((micros % 1'000'000) << 32) / 1'000'000;
}

/// What goes before everything else of a packet whose length is known.
void write_header(uint8_t* at, size_t blocks, uint8_t type, size_t length) {
  at[0] = static_cast<uint8_t>(0x80 | blocks);
  at[1] = type;
  write16(at + 2, static_cast<uint16_t>(length / 4 - 1));
}

}  // namespace

ReportWriter::ReportWriter(int64_t now) : ssrc_(random32()) {
  // RFC 7022 4.2: 96 random bits, so that nobody else has the same name, and nobody is known by it.
  constexpr char kDigits[] = "0123456789abcdef";
  uint8_t random[kNameLength / 2];
  random_bytes(random, sizeof random);
  for (size_t i = 0; i < kNameLength; i++) name_[i] = kDigits[random[i / 2] >> (i % 2 * 4) & 0xf];
  plan(kFirst, now);
}

/// RFC 3550 6.3.1: between half and one and a half of the interval, lest all report at once.
void ReportWriter::plan(int64_t interval, int64_t now) {
  const double share = 0.5 + static_cast<double>(random32()) / UINT32_MAX;
  due_ = now + static_cast<int64_t>(static_cast<double>(interval) * share / kReconsidered);
}

void ReportWriter::sent(const uint8_t* data, size_t length, uint32_t clock_rate, int64_t now) {
  RtpHeader header;
  if (!RtpHeader::parse(data, length, &header)) return;
  // RFC 3550 6.4.1: the counts are of one SSRC.
  if (header.ssrc != ssrc_) packets_ = octets_ = 0;
  ssrc_ = header.ssrc;
  packets_++;
  octets_ += static_cast<uint32_t>(length - header.size);
  timestamp_ = header.timestamp;
  clock_rate_ = clock_rate;
  sent_at_ = now;
}

void ReportWriter::heard(const uint8_t* data, size_t length, int64_t now) {
  each_rtcp_packet(data, length, [&](const uint8_t* packet, size_t size) {
    if (packet[1] != kSenderReport || size < kRtcpHeader + kSenderInfo) return;
    const uint32_t ssrc = read32(packet + 4);
    auto found = std::find_if(heard_.begin(), heard_.end(), [ssrc](const SenderReport& each) { return each.time != 0 && each.ssrc == ssrc; });
    if (found == heard_.end()) {
      found = heard_.begin() + static_cast<std::ptrdiff_t>(next_heard_);
      next_heard_ = (next_heard_ + 1) % heard_.size();
    }
    *found = {ssrc, read32(packet + 10), now};
  });
}

size_t ReportWriter::write(std::span<const ReceptionReport> sources, int64_t now, int64_t wall, uint8_t* out) {
  // RFC 3550 6.4: who has sent since the report before the last one is a sender.
  const bool sender = packets_ > 0 && sent_at_ >= written_before_;
  size_t at = kRtcpHeader;
  write32(out + 4, ssrc_);
  if (sender) {
    const uint64_t ntp = ntp_time(wall);
    const int64_t since = (now - sent_at_) * clock_rate_ / 1'000'000;
    write32(out + at, static_cast<uint32_t>(ntp >> 32));
    write32(out + at + 4, static_cast<uint32_t>(ntp));
    write32(out + at + 8, timestamp_ + static_cast<uint32_t>(since));
    write32(out + at + 12, packets_);
    write32(out + at + 16, octets_);
    at += kSenderInfo;
  }
  const size_t blocks = std::min(sources.size(), Reception::kMaxSources);
  for (size_t i = 0; i < blocks; i++) at += write_block(sources[i], now, out + at);
  write_header(out, blocks, sender ? kSenderReport : kReceiverReport, at);
  // RFC 3550 6.1: every compound packet names its sender. One chunk, its items ended by zeros up to the next word.
  uint8_t* const description = out + at;
  write32(description + 4, ssrc_);
  description[8] = kCname;
  description[9] = static_cast<uint8_t>(name_.size());
  std::memcpy(description + 10, name_.data(), name_.size());
  size_t size = 10 + name_.size();
  do description[size++] = 0;
  while (size % 4 != 0);
  write_header(description, 1, kSourceDescription, size);
  written_before_ = written_;
  written_ = now;
  plan(kInterval, now);
  return at + size;
}

size_t ReportWriter::write_block(const ReceptionReport& source, int64_t now, uint8_t* out) const {
  write32(out, source.ssrc);
  write32(out + 4, static_cast<uint32_t>(source.lost) & 0xffffff);
  out[4] = source.fraction_lost;
  write32(out + 8, source.highest);
  write32(out + 12, source.jitter);
  write32(out + 16, 0);
  write32(out + 20, 0);
  for (const SenderReport& each : heard_) {
    if (each.time == 0 || each.ssrc != source.ssrc) continue;
    write32(out + 16, each.middle);
    // RFC 3550 6.4.1: DLSR in units of 1/65536 seconds.
    write32(out + 20, static_cast<uint32_t>((now - each.time) * 65536 / 1'000'000));
  }
  return kReportBlock;
}

}  // namespace media
