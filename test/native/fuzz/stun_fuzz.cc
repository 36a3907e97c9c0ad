// Owns the fuzzing of STUN: any bytes through the reader, and a stream that speaks ICE with strangers and with its far end.
#include <cstring>
#include <string_view>

#include "stream_pair.h"

namespace {

constexpr std::string_view kLocal = "leftleftleftleftleftleft", kRemote = "rightrightrightrightright";

std::unique_ptr<media::ConnectionSettings> connection(uint8_t choice, fuzz::Input& input) {
  auto result = std::make_unique<media::ConnectionSettings>();
  result->ice = std::make_unique<media::IceSettings>();
  media::IceSettings& ice = *result->ice;
  ice.local_ufrag = "left";
  ice.local_password = kLocal;
  if (!(choice & 1)) {
    ice.remote_ufrag = "rght";
    ice.remote_password = kRemote;
  }
  ice.lite = choice & 2;
  ice.remote_lite = choice & 4;
  ice.controlling = choice & 8;
  for (uint8_t i = choice >> 4; i > 0; i--) ice.candidates.push_back({static_cast<uint8_t>(i % 2), input.byte() * 0x00100001u, fuzz::address(static_cast<uint16_t>(4000 + i))});
  return result;
}

/// A message whose attributes are the fuzzer's; `how` says whether it is marked and authentic.
std::vector<uint8_t> message(uint8_t how, const std::vector<uint8_t>& body) {
  const uint8_t transaction[media::kStunTransaction] = {};
  media::StunWriter writer(static_cast<media::StunClass>(how & 3), transaction);
  if (how & 4) writer.text(media::kStunUsername, how & 8 ? "left:rght" : "left:x");
  for (size_t at = 0; at + 3 <= body.size();) {
    const size_t size = std::min<size_t>(body[at + 2], body.size() - at - 3);
    writer.text(static_cast<uint16_t>(body[at] << 8 | body[at + 1]), {reinterpret_cast<const char*>(body.data() + at + 3), size});
    at += 3 + size;
  }
  static const media::StunKey local(kLocal), remote(kRemote), strange("strangestrangestrangestrange");
  if (how & 16) writer.integrity(how & 32 ? local : how & 64 ? remote : strange);
  if (how & 128) writer.fingerprint();
  return {writer.data(), writer.data() + writer.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  media::StunMessage parsed;
  std::vector<uint8_t> whole(data, data + size);
  if (media::StunMessage::parse(whole.data(), whole.size(), &parsed)) {
    static const media::StunKey key(kLocal);
    parsed.authentic(whole.data(), key);
    fuzz::require(std::memcmp(whole.data(), data, size) == 0);
  }

  fuzz::StreamPair pair;
  const uint8_t choice = input.byte();
  auto settings = fuzz::StreamPair::settings(input);
  settings->passthrough = false;
  settings->latching = media::Latching::kStrict;
  settings->remote_rtp = settings->remote_rtcp = media::Endpoint();
  settings->connection = connection(choice, input);
  const bool decided = settings->connection->ice->lite && settings->connection->ice->remote_lite;
  pair.a.configure(std::move(settings), pair.now / 1000);
  pair.b.configure(fuzz::StreamPair::settings(input), pair.now / 1000);
  bool authentic = false;
  while (input.more()) {
    const uint8_t how = input.byte(), from = input.byte();
    const auto component = from & 0x80 ? media::PacketStream::kRtcp : media::PacketStream::kRtp;
    const std::vector<uint8_t> body = input.bytes();
    authentic = authentic || (how & 16 && how & (32 | 64));
    pair.give(component, from & 0x40 ? body : message(how, body), from, how * 1000);
    if (from & 0x20) pair.a.run_connection(pair.now / 1000);
    const auto& counters = pair.a.counters();
    // Who knows no password moves no address, and is not listened to.
    if (!authentic && !decided) fuzz::require(counters.relearned.get() == 0 && counters.rtp_packets_in.get() == 0 && counters.rtcp_packets_in.get() == 0);
  }
  return 0;
}
