// Owns two linked streams without sockets, and the way of a datagram into them.
#pragma once

#include <memory>

#include "input.h"
#include "../../../src/media/native/packet_stream.h"

namespace fuzz {

inline media::Endpoint address(uint16_t port) {
  media::Endpoint result;
  media::Endpoint::parse("192.0.2.1", port, &result);
  return result;
}

struct StreamPair {
  media::PacketStream a{1, -1, -1, 0}, b{2, -1, -1, 0};
  int64_t now = 1'000'000;

  StreamPair() { a.link(&b); }
  ~StreamPair() { a.unlink(); }

  /// The choices that do not concern keys, from three bytes.
  static std::unique_ptr<media::StreamSettings> settings(Input& input) {
    auto result = std::make_unique<media::StreamSettings>();
    const uint8_t choice = input.byte(), policy = input.byte();
    result->latching = static_cast<media::Latching>(choice % 3);
    result->remote_rtp = address(4000);
    result->remote_rtcp = address(choice & 4 ? 4000 : 4001);
    result->rtcp_mux = choice & 4;
    result->send = !(choice & 8);
    result->receive = !(choice & 16);
    result->passthrough = (choice & 224) == 224;
    result->learning = 1000;
    result->packet_rate = choice & 32 ? 5 : 100'000;
    result->clock_rate = choice & 64 ? 90'000 : 8000;
    result->policy.media = static_cast<media::MediaPolicy::Media>(policy % 3);
    result->policy.block_dtmf = policy & 4;
    result->own_reports = policy & 8;
    result->pass_stun = policy & 16;
    result->policy.telephone_events.set(input.byte() & 0x7f);
    return result;
  }

  /// A buffer of exactly the size that the loop promises, so that a byte too many is seen.
  void give(media::PacketStream::Component component, std::vector<uint8_t> bytes, uint8_t from, int64_t later) {
    const size_t length = bytes.size();
    bytes.resize(length + media::SrtpContext::kMaxGrowth);
    bytes.shrink_to_fit();
    now += later;
    a.receive(component, bytes.data(), length, address(static_cast<uint16_t>(4000 + from % 4)), now);
  }

  /// Has each stream that makes reports send one.
  void report() {
    for (media::PacketStream* stream : {&a, &b})
      if (stream->services() && stream->services()->reports()) stream->send_report(now);
  }

  /// Statistics are read as JavaScript reads them.
  void read() const {
    for (const media::PacketStream* stream : {&a, &b}) {
      media::Reception::Sources sources;
      media::Reports::Blocks blocks;
      require(stream->reception().sources(&sources) <= sources.size());
      require(stream->reports().blocks(&blocks) <= blocks.size());
      require(stream->reports().round_trips().sum >= 0);
    }
  }
};

}  // namespace fuzz
