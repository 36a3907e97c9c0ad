// Owns the checks of RTCP reports: round trips, report blocks, bounds, lengths that lie.
#include <random>
#include <vector>

#include "check.h"
#include "../../src/media/native/reports.h"
#include "../../src/media/native/rtp.h"

namespace {

using media::Reports;
using Bytes = std::vector<uint8_t>;

void put32(Bytes* to, uint32_t value) {
  to->resize(to->size() + 4);
  media::write32(to->data() + to->size() - 4, value);
}

Bytes sender_report(uint32_t ssrc, uint32_t middle) {
  Bytes packet = {0x80, 200, 0, 6};
  put32(&packet, ssrc);
  put32(&packet, 0xaaaa0000 | middle >> 16);
  put32(&packet, middle << 16 | 0xbbbb);
  for (int i = 0; i < 3; i++) put32(&packet, 0);
  return packet;
}

/// Report blocks on `about`, all alike but for their SSRC.
Bytes receiver_report(const std::vector<uint32_t>& about, uint32_t last, uint32_t delay, uint32_t lost = 0x19fffffe) {
  Bytes packet = {static_cast<uint8_t>(0x80 | about.size()), 201, 0, static_cast<uint8_t>(1 + 6 * about.size())};
  put32(&packet, 99);
  for (const uint32_t ssrc : about) {
    put32(&packet, ssrc);
    put32(&packet, lost);
    put32(&packet, 65'536);
    put32(&packet, 80);
    put32(&packet, last);
    put32(&packet, delay);
  }
  return packet;
}

void sent(Reports& reports, const Bytes& packet, int64_t now) { reports.sent(packet.data(), packet.size(), now); }
void received(Reports& reports, const Bytes& packet, int64_t now) { reports.received(packet.data(), packet.size(), now); }

CASE("the round trip is the time since the report that LSR names, less DLSR") {
  Reports reports;
  EQUAL(reports.round_trips().last, -1);
  sent(reports, sender_report(7, 0x12345678), 1'000'000);
  sent(reports, sender_report(7, 0x12395678), 6'000'000);
  received(reports, receiver_report({7}, 0x12395678, 65'536), 7'040'000);
  received(reports, receiver_report({7}, 0x12345678, 2 * 65'536), 3'020'000);
  const media::RoundTrips trips = reports.round_trips();
  EQUAL(trips.count, 2u);
  EQUAL(trips.last, 20'000);
  EQUAL(trips.least, 20'000);
  EQUAL(trips.most, 40'000);
  EQUAL(trips.sum, 60'000);
  Reports::Blocks blocks;
  EQUAL(reports.blocks(&blocks), 1u);
  EQUAL(blocks[0].ssrc, 7u);
  EQUAL(blocks[0].fraction_lost, 0x19u);
  EQUAL(blocks[0].lost, -2);
  EQUAL(blocks[0].jitter, 80u);
  EQUAL(blocks[0].round_trip, 20'000);
}

CASE("no round trip: nothing sent, another SSRC, an unknown or absent LSR, a delay that cannot be") {
  Reports reports;
  received(reports, receiver_report({7}, 0, 0), 1'000'000);
  received(reports, receiver_report({7}, 5, 0), 1'000'000);
  sent(reports, sender_report(7, 5), 2'000'000);
  received(reports, receiver_report({8}, 5, 0), 3'000'000);
  received(reports, receiver_report({7}, 6, 0), 3'000'000);
  received(reports, receiver_report({7}, 5, 0xffffffff), 3'000'000);
  received(reports, receiver_report({7}, 5, 0), 2'000'000 + 61'000'000);
  EQUAL(reports.round_trips().count, 0u);
  // A delay told too long by rounding is no journey into the past.
  received(reports, receiver_report({7}, 5, 65'600), 3'000'000);
  EQUAL(reports.round_trips().last, 0);
}

CASE("reports are bounded, whatever SSRCs they are on") {
  Reports reports;
  for (uint32_t ssrc = 0; ssrc < 1000; ssrc += 10) {
    std::vector<uint32_t> about;
    for (uint32_t i = 0; i < 10; i++) about.push_back(ssrc + i);
    received(reports, receiver_report(about, 1, 1), 1'000'000);
  }
  Reports::Blocks blocks;
  EQUAL(reports.blocks(&blocks), Reports::kMaxReports);
  for (const auto& block : blocks) TRUE(block.ssrc >= 990);
  for (uint32_t i = 0; i < 1000; i++) sent(reports, sender_report(i, i), 1'000'000);
  received(reports, receiver_report({10}, 10, 0), 1'000'000);
  EQUAL(reports.round_trips().count, 0u);
  received(reports, receiver_report({999}, 999, 0), 1'000'000);
  EQUAL(reports.round_trips().count, 1u);
}

CASE("a count of blocks that lies, lengths of zero, random bytes: nothing is read past the end") {
  Reports reports;
  std::mt19937 random(3550);
  for (int i = 0; i < 100'000; i++) {
    Bytes packet(random() % 120);
    for (uint8_t& byte : packet) byte = static_cast<uint8_t>(random());
    if (packet.size() > 4) {
      packet[0] = static_cast<uint8_t>(0x80 | (random() & 0x1f));
      packet[1] = static_cast<uint8_t>(200 + random() % 2);
      packet[2] = 0;
      packet[3] = static_cast<uint8_t>(random() % 32);
    }
    packet.shrink_to_fit();
    sent(reports, packet, i);
    received(reports, packet, i);
  }
  Bytes truncated = receiver_report({1, 2, 3}, 1, 1);
  truncated[0] = 0x9f;
  received(reports, truncated, 1);
}

}  // namespace
