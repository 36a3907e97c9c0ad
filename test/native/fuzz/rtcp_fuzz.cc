// Owns the fuzzing of RTCP, on its own port and on RTP's: compound packets, reports, round trips, reports of our own.
#include "stream_pair.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  fuzz::StreamPair pair;
  pair.a.configure(fuzz::StreamPair::settings(input), 0);
  pair.b.configure(fuzz::StreamPair::settings(input), 0);
  media::Reports reports;
  while (input.more()) {
    const uint8_t how = input.byte();
    const std::vector<uint8_t> packet = input.bytes();
    // The readers of reports by themselves too, without the checks that stand before them.
    if (how & 4) reports.sent(packet.data(), packet.size(), pair.now);
    reports.received(packet.data(), packet.size(), pair.now);
    pair.give(how & 8 ? media::PacketStream::kRtp : media::PacketStream::kRtcp, packet, how, how * 1000);
    if (how & 16) pair.report();
  }
  media::Reports::Blocks blocks;
  fuzz::require(reports.blocks(&blocks) <= blocks.size());
  const media::RoundTrips trips = reports.round_trips();
  fuzz::require(trips.count == 0 || (trips.least >= 0 && trips.least <= trips.most));
  pair.read();
  return 0;
}
