// Owns the checks of the receiver's statistics and of the RTP and RTCP headers.
#include "check.h"
#include "../../src/media/native/reception.h"
#include "../../src/media/native/rtcp.h"

namespace {

using media::Reception;
using media::RtpHeader;
using media::StreamCounters;

RtpHeader header(uint32_t i, uint32_t ssrc = 1) { return {static_cast<uint16_t>(i), i * 160, ssrc, 12}; }

CASE("loss is counted over a roll-over of the sequence number, and late packets take it back") {
  Reception reception;
  StreamCounters counters;
  for (uint32_t i = 65'500; i < 65'700; i++)
    if (i % 10 != 0) reception.received(header(i), 172, i * 20'000, &counters);
  EQUAL(counters.lost.get(), 19u);  // 65,500 came before the first and is not expected
  reception.received(header(65'690), 172, 65'700 * 20'000, &counters);
  EQUAL(counters.lost.get(), 18u);
  EQUAL(counters.duplicates.get(), 0u);
  reception.received(header(65'690), 172, 65'700 * 20'000, &counters);
  EQUAL(counters.duplicates.get(), 1u);
  EQUAL(counters.lost.get(), 18u);
}

CASE("a new SSRC begins anew and keeps the loss so far") {
  Reception reception;
  StreamCounters counters;
  for (uint32_t i : {1, 2, 5}) reception.received(header(i), 172, i * 20'000, &counters);
  for (uint32_t i : {900, 901, 903}) reception.received(header(i, 2), 172, i * 20'000, &counters);
  EQUAL(counters.lost.get(), 3u);
  EQUAL(counters.ssrc_changes.get(), 1u);
  EQUAL(counters.ssrc.get(), 2u);
}

CASE("a sender that begins anew within one SSRC is not taken for loss") {
  Reception reception;
  StreamCounters counters;
  for (uint32_t i = 0; i < 10; i++) reception.received(header(i), 172, i * 20'000, &counters);
  for (uint32_t i = 30'000; i < 30'010; i++) reception.received(header(i), 172, i * 20'000, &counters);
  for (uint32_t i = 5'000; i < 5'010; i++) reception.received(header(i), 172, i * 20'000, &counters);
  EQUAL(counters.lost.get(), 0u);
  EQUAL(counters.duplicates.get(), 0u);
}

CASE("steady packets have no jitter; packets late by 10 ms in turn approach 10 ms") {
  Reception steady, shaky;
  StreamCounters a, b;
  for (uint32_t i = 0; i < 1000; i++) {
    steady.received(header(i), 172, 5'000'000'000 + i * 20'000LL, &a);
    shaky.received(header(i), 172, 5'000'000'000 + i * 20'000LL + (i % 2) * 10'000, &b);
  }
  EQUAL(a.jitter.get(), 0u);
  TRUE(b.jitter.get() >= 78 && b.jitter.get() <= 80);
}

CASE("a timestamp that jumps is no jitter") {
  Reception reception;
  StreamCounters counters;
  for (uint32_t i = 0; i < 100; i++) {
    RtpHeader each = header(i);
    if (i >= 50) each.timestamp += 2'000'000'000;
    reception.received(each, 172, i * 20'000LL, &counters);
  }
  EQUAL(counters.jitter.get(), 0u);
}

CASE("each SSRC has its own statistics, and goes on with them when it is heard again") {
  Reception reception;
  StreamCounters counters;
  for (uint32_t i = 0; i < 100; i++) {
    if (i % 10 != 5) reception.received(header(i, 1), 172, i * 20'000LL, &counters);
    reception.received(header(50'000 + i, 2), 100, i * 20'000LL, &counters);
    if (i % 2 == 0) reception.received(header(50'000 + i, 2), 100, i * 20'000LL, &counters);
  }
  Reception::Sources sources;
  EQUAL(reception.sources(&sources), 2u);
  EQUAL(sources[0].ssrc, 1u);
  EQUAL(sources[0].packets, 90u);
  EQUAL(sources[0].bytes, 90u * 172);
  EQUAL(sources[0].lost, 10u);
  EQUAL(sources[1].packets, 100u);
  EQUAL(sources[1].duplicates, 50u);
  EQUAL(sources[1].lost, 0u);
  EQUAL(counters.lost.get(), 10u);
  EQUAL(counters.duplicates.get(), 50u);
}

CASE("a flood of SSRCs, many at one time, keeps the last ones heard, and the loss of all") {
  Reception reception;
  StreamCounters counters;
  for (uint32_t ssrc = 1; ssrc <= 1000; ssrc++) {
    reception.received(header(1, ssrc), 172, ssrc / 100 * 1000LL, &counters);
    reception.received(header(3, ssrc), 172, ssrc / 100 * 1000LL, &counters);
  }
  Reception::Sources sources;
  EQUAL(reception.sources(&sources), Reception::kMaxSources);
  for (const auto& source : sources) {
    TRUE(source.ssrc > 1000 - Reception::kMaxSources);
    EQUAL(source.packets, 2u);
    EQUAL(source.lost, 1u);
  }
  EQUAL(counters.lost.get(), 1000u);
  EQUAL(counters.ssrc_changes.get(), 999u);
}

CASE("reports tell the loss since the last one, the highest number with its cycles, and nobody who was silent") {
  Reception reception;
  StreamCounters counters;
  Reception::Reports reports;
  EQUAL(reception.report(&reports), 0u);
  for (uint32_t i = 65'530; i < 65'546; i++)
    if (i % 4 != 0) reception.received(header(i), 172, i * 20'000, &counters);
  EQUAL(reception.report(&reports), 1u);
  EQUAL(reports[0].ssrc, 1u);
  EQUAL(reports[0].highest, 0x10000u + 9);
  EQUAL(reports[0].lost, 4);
  EQUAL(reports[0].fraction_lost, 4 * 256 / 16);
  EQUAL(reception.report(&reports), 0u);
  for (uint32_t i = 65'546; i < 65'556; i++) reception.received(header(i), 172, i * 20'000, &counters);
  reception.received(header(7, 2), 172, 0, &counters);
  EQUAL(reception.report(&reports), 2u);
  EQUAL(reports[0].fraction_lost, 0);
  EQUAL(reports[0].lost, 4);
  EQUAL(reports[1].ssrc, 2u);
  EQUAL(reports[1].highest, 7u);
  // A sender that began anew is told of from there.
  reception.received(header(40'000), 172, 0, &counters);
  reception.received(header(40'002), 172, 0, &counters);
  EQUAL(reception.report(&reports), 1u);
  EQUAL(reports[0].highest, 40'002u);
  EQUAL(reports[0].fraction_lost, 256 / 3);
  EQUAL(reports[0].lost, 5);
}

CASE("RTP headers: version, CSRC list and extension within the packet") {
  RtpHeader parsed;
  const uint8_t plain[13] = {0x80, 8, 0x12, 0x34, 0, 0, 0, 9, 1, 2, 3, 4, 5};
  TRUE(RtpHeader::parse(plain, 13, &parsed));
  EQUAL(parsed.sequence, 0x1234);
  EQUAL(parsed.ssrc, 0x01020304u);
  EQUAL(parsed.size, 12u);
  FALSE(RtpHeader::parse(plain, 11, &parsed));
  const uint8_t version1[12] = {0x40};
  FALSE(RtpHeader::parse(version1, 12, &parsed));
  uint8_t extended[24] = {0x91};
  extended[18] = 0;
  extended[19] = 1;
  TRUE(RtpHeader::parse(extended, 24, &parsed));
  EQUAL(parsed.size, 24u);
  FALSE(RtpHeader::parse(extended, 23, &parsed));
  extended[18] = 0xff;
  FALSE(RtpHeader::parse(extended, 24, &parsed));
}

CASE("RTCP: told from RTP by its type, and its lengths add up") {
  uint8_t compound[16] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 202, 0, 1, 0, 0, 0, 1};
  TRUE(media::looks_like_rtcp(compound, 16));
  TRUE(media::rtcp_lengths_add_up(compound, 16));
  FALSE(media::rtcp_lengths_add_up(compound, 15));
  compound[11] = 2;
  FALSE(media::rtcp_lengths_add_up(compound, 16));
  for (int type : {0, 8, 101, 127, 128, 136, 191, 224, 255}) {
    compound[1] = static_cast<uint8_t>(type);
    FALSE(media::looks_like_rtcp(compound, 16));
  }
}

}  // namespace
