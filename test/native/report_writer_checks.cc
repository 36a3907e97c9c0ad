// Owns the checks of the relay's own RTCP reports: what SR, RR and SDES say, and when they come.
#include <set>
#include <string>
#include <vector>

#include "check.h"
#include "../../src/media/native/report_writer.h"
#include "../../src/media/native/rtcp.h"

namespace {

using media::ReceptionReport;
using media::ReportWriter;
using media::read16;
using media::read32;
using Bytes = std::vector<uint8_t>;

constexpr int64_t kSecond = 1'000'000;

Bytes rtp(uint32_t ssrc, uint32_t timestamp, size_t payload) {
  Bytes packet(12 + payload);
  packet[0] = 0x80;
  media::write32(packet.data() + 4, timestamp);
  media::write32(packet.data() + 8, ssrc);
  return packet;
}

Bytes written(ReportWriter& writer, const std::vector<ReceptionReport>& sources, int64_t now, int64_t wall = 0) {
  Bytes out(ReportWriter::kLongest);
  out.resize(writer.write(sources, now, wall, out.data()));
  return out;
}

CASE("a sender report counts what left by its SSRC, and tells the time at which it is written") {
  ReportWriter writer(0);
  for (uint32_t i = 0; i < 3; i++) {
    const Bytes packet = rtp(7, 1000 + 160 * i, 160);
    writer.sent(packet.data(), packet.size(), 8000, kSecond + i * 20'000);
  }
  const Bytes report = written(writer, {}, 2 * kSecond + 40'000, 500'000);
  TRUE(media::rtcp_lengths_add_up(report.data(), report.size()));
  EQUAL(report[0], 0x80);
  EQUAL(report[1], 200);
  EQUAL(read32(report.data() + 4), 7u);
  EQUAL(read32(report.data() + 8), 2'208'988'800u);
  EQUAL(read32(report.data() + 12), 0x80000000u);
  EQUAL(read32(report.data() + 16), 1000u + 320 + 8000);
  EQUAL(read32(report.data() + 20), 3u);
  EQUAL(read32(report.data() + 24), 480u);
  EQUAL(read16(report.data() + 28), 0x81ca);
  EQUAL(read32(report.data() + 32), 7u);
  EQUAL(read16(report.data() + 36), 0x0118);
  EQUAL(report.back(), 0);
}

CASE("another SSRC is counted anew; who stopped sending two reports ago is a receiver") {
  ReportWriter writer(0);
  const Bytes first = rtp(7, 0, 160), second = rtp(8, 0, 20);
  writer.sent(first.data(), first.size(), 8000, kSecond);
  writer.sent(second.data(), second.size(), 8000, kSecond);
  const Bytes report = written(writer, {}, 2 * kSecond);
  EQUAL(read32(report.data() + 4), 8u);
  EQUAL(read32(report.data() + 20), 1u);
  EQUAL(read32(report.data() + 24), 20u);
  EQUAL(written(writer, {}, 7 * kSecond)[1], 200);
  const Bytes later = written(writer, {}, 12 * kSecond);
  EQUAL(later[1], 201);
  EQUAL(read32(later.data() + 4), 8u);
}

CASE("a block on each source names its last sender report and the time since") {
  ReportWriter writer(0);
  Bytes heard(28);
  heard[0] = 0x80;
  heard[1] = 200;
  heard[3] = 6;
  media::write32(heard.data() + 4, 5);
  media::write32(heard.data() + 8, 0x11112222);
  media::write32(heard.data() + 12, 0x33334444);
  writer.heard(heard.data(), heard.size(), kSecond);
  const Bytes report = written(writer, {{5, 64, 3, 0x10007, 80}, {6, 0, 0, 9, 0}}, 3 * kSecond + kSecond / 2);
  TRUE(media::rtcp_lengths_add_up(report.data(), report.size()));
  EQUAL(report[0], 0x82);
  EQUAL(report[1], 201);
  const uint8_t* block = report.data() + 8;
  EQUAL(read32(block), 5u);
  EQUAL(read32(block + 4), 64u << 24 | 3);
  EQUAL(read32(block + 8), 0x10007u);
  EQUAL(read32(block + 12), 80u);
  EQUAL(read32(block + 16), 0x22223333u);
  EQUAL(read32(block + 20), 5u * 65536 / 2);
  EQUAL(read32(block + 24), 6u);
  EQUAL(read32(block + 40), 0u);
  EQUAL(read32(block + 44), 0u);
}

CASE("as many sources as are remembered fit, and no more are written") {
  ReportWriter writer(0);
  const Bytes packet = rtp(7, 0, 160);
  writer.sent(packet.data(), packet.size(), 8000, 0);
  const std::vector<ReceptionReport> many(12, ReceptionReport{1, 0, 0, 0, 0});
  const Bytes report = written(writer, many, kSecond);
  EQUAL(report[0] & 0x1f, 8);
  EQUAL(report.size(), ReportWriter::kLongest);
  TRUE(media::rtcp_lengths_add_up(report.data(), report.size()));
}

CASE("reports come some five seconds apart, the first sooner, never two writers in step or of one name") {
  std::set<int64_t> times;
  std::set<std::string> names;
  for (int i = 0; i < 50; i++) {
    ReportWriter writer(0);
    TRUE(writer.due() > kSecond && writer.due() < 3'100'000);
    const Bytes report = written(writer, {}, 10 * kSecond);
    names.insert({report.begin() + 18, report.end()});
    const int64_t step = writer.due() - 10 * kSecond;
    TRUE(step > 2 * kSecond && step < 6'200'000);
    times.insert(step);
  }
  TRUE(times.size() > 45);
  EQUAL(names.size(), 50u);
}

}  // namespace
