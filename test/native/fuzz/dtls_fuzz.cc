// Owns the fuzzing of the DTLS entry: any datagrams into a stream that waits for a handshake, and a real handshake spoilt.
#include <deque>

#include "stream_pair.h"

namespace {

using media::DtlsIdentity;
using media::DtlsSettings;
using media::DtlsTransport;

const std::shared_ptr<const DtlsIdentity> kOurs = DtlsIdentity::make(), kTheirs = DtlsIdentity::make();

DtlsSettings settings(bool active, bool trusted) {
  DtlsSettings result{active ? kOurs : kTheirs, active, "sha-256", (active ? kTheirs : kOurs)->fingerprint("sha-256")};
  if (!trusted) result.fingerprint[0] ^= 1;
  return result;
}

struct Wire final : media::DatagramSender {
  std::deque<std::vector<uint8_t>> under_way;
  void send(uint8_t, const uint8_t* data, size_t length, const media::Endpoint&) override {
    if (under_way.size() < 64) under_way.emplace_back(data, data + length);
  }
};

/// A handshake, its datagrams lost, doubled and changed as the fuzzer says. The client's certificate is not what was signalled.
void spoilt_handshake(fuzz::Input& input) {
  Wire to_server, to_client;
  DtlsTransport client(settings(true, true), 0, &to_server), server(settings(false, false), 0, &to_client);
  client.set_remote(fuzz::address(4000));
  server.set_remote(fuzz::address(4001));
  client.start(1);
  for (int step = 0; step < 40 && (!to_server.under_way.empty() || !to_client.under_way.empty()); step++) {
    for (const bool towards_server : {true, false}) {
      auto& wire = towards_server ? to_server : to_client;
      if (wire.under_way.empty()) continue;
      auto packet = std::move(wire.under_way.front());
      wire.under_way.pop_front();
      const uint8_t how = input.byte();
      if (how & 1) packet[(how * 7u + input.byte()) % packet.size()] ^= static_cast<uint8_t>(1 + input.byte() % 255);
      if (how & 2) packet.resize(packet.size() / 2);
      if (how & 4) continue;
      DtlsTransport& end = towards_server ? server : client;
      end.receive(packet.data(), packet.size(), step);
      if (how & 8) end.receive(packet.data(), packet.size(), step);
    }
  }
  fuzz::require(server.state() != DtlsTransport::State::kConnected && !server.take_keys().in);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const uint8_t choice = input.byte();
  if ((choice & 15) == 15) {
    spoilt_handshake(input);
    return 0;
  }
  fuzz::StreamPair pair;
  auto given = fuzz::StreamPair::settings(input);
  given->passthrough = false;
  given->connection = std::make_unique<media::ConnectionSettings>();
  given->connection->dtls = std::make_unique<DtlsSettings>(settings(choice & 1, true));
  pair.a.configure(std::move(given), pair.now / 1000);
  pair.b.configure(fuzz::StreamPair::settings(input), pair.now / 1000);
  while (input.more()) {
    const uint8_t how = input.byte();
    std::vector<uint8_t> packet = input.bytes();
    // A record's head, so that what follows is looked at: type, version, epoch and number, length.
    if (how & 0x80 && packet.size() >= 14) {
      const size_t length = packet.size() - 13;
      const uint8_t head[] = {static_cast<uint8_t>(20 + how % 5), 0xfe, static_cast<uint8_t>(how & 16 ? 0xfd : 0xff), 0, 0, 0, 0, 0, 0, 0, packet[10], static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)};
      std::copy(std::begin(head), std::end(head), packet.begin());
    }
    pair.give(how & 8 ? media::PacketStream::kRtcp : media::PacketStream::kRtp, packet, how, how * 1000);
    if (how & 32) pair.a.run_connection(pair.now / 1000);
    // Nothing passes before the handshake, and no stranger can end one.
    const auto& counters = pair.a.counters();
    fuzz::require(counters.rtp_packets_in.get() == 0 && counters.rtcp_packets_in.get() == 0 && pair.b.counters().rtp_packets_out.get() == 0);
  }
  return 0;
}
