// Owns the fuzzing of what arrives on an RTP port, without keys: headers, latching, statistics, policy, passthrough.
#include "stream_pair.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  fuzz::StreamPair pair;
  pair.a.configure(fuzz::StreamPair::settings(input), 0);
  pair.b.configure(fuzz::StreamPair::settings(input), 0);
  while (input.more()) {
    const uint8_t how = input.byte();
    if (how == 0xff) pair.a.configure(fuzz::StreamPair::settings(input), pair.now / 1000);
    pair.give(media::PacketStream::kRtp, input.bytes(), how, how * 1000);
  }
  const media::StreamCounters& counters = pair.a.counters();
  fuzz::require(counters.dtmf_blocked.get() <= counters.dtmf_packets.get());
  fuzz::require(counters.dtmf_events.get() <= counters.dtmf_packets.get());
  fuzz::require(counters.duplicates.get() <= counters.rtp_packets_in.get());
  fuzz::require(pair.b.counters().send_errors.get() <= counters.rtp_packets_in.get() + counters.rtcp_packets_in.get());
  pair.read();
  return 0;
}
