// Owns the proof of the DTLS transport: two of them over a network in memory that loses, doubles and mixes up.
#include <cstring>
#include <deque>
#include <functional>
#include <vector>

#include "check.h"
#include "../../src/media/native/dtls_transport.h"

namespace {

using media::DtlsIdentity;
using media::DtlsSettings;
using media::DtlsTransport;

struct Wire final : media::DatagramSender {
  std::deque<std::vector<uint8_t>> under_way;
  size_t sent = 0, longest = 0;
  std::function<bool(size_t)> lost = [](size_t) { return false; };

  void send(uint8_t, const uint8_t* data, size_t length, const media::Endpoint&) override {
    longest = std::max(longest, length);
    if (!lost(sent++)) under_way.emplace_back(data, data + length);
  }
};

struct Pair {
  Wire to_server, to_client;
  std::shared_ptr<const DtlsIdentity> ours = DtlsIdentity::make(), theirs = DtlsIdentity::make();
  std::unique_ptr<DtlsTransport> client, server;
  int64_t now = 1'000'000;

  explicit Pair(const char* hash = "sha-256", bool wrong = false) {
    DtlsSettings left{ours, true, hash, theirs->fingerprint(hash)}, right{theirs, false, hash, ours->fingerprint(hash)};
    if (wrong) right.fingerprint[0] ^= 1;
    client = std::make_unique<DtlsTransport>(left, 0, &to_server);
    server = std::make_unique<DtlsTransport>(right, 0, &to_client);
    media::Endpoint somewhere;
    media::Endpoint::parse("192.0.2.1", 4000, &somewhere);
    client->set_remote(somewhere);
    server->set_remote(somewhere);
  }

  void deliver() {
    while (!to_server.under_way.empty() || !to_client.under_way.empty()) {
      for (auto [wire, end] : {std::pair{&to_server, server.get()}, {&to_client, client.get()}}) {
        if (wire->under_way.empty()) continue;
        const auto packet = std::move(wire->under_way.front());
        wire->under_way.pop_front();
        end->receive(packet.data(), packet.size(), now);
      }
    }
  }

  /// OpenSSL's timers are of the wall clock; time is only told of here where they are not asked.
  void pass() {
    client->start(now);
    deliver();
  }

  bool connected() const { return client->state() == DtlsTransport::State::kConnected && server->state() == DtlsTransport::State::kConnected; }
};

std::vector<uint8_t> rtp(uint16_t sequence) {
  std::vector<uint8_t> packet(172 + media::SrtpContext::kMaxGrowth, 7);
  packet[0] = 0x80;
  packet[1] = 0;
  packet[2] = static_cast<uint8_t>(sequence >> 8);
  packet[3] = static_cast<uint8_t>(sequence);
  return packet;
}

CASE("DTLS: both sides come to the same keys, each its own direction") {
  Pair pair;
  pair.pass();
  TRUE(pair.connected());
  auto left = pair.client->take_keys(), right = pair.server->take_keys();
  TRUE(left.in && left.out && right.in && right.out);
  FALSE(pair.client->take_keys().in);
  TRUE(left.out->same_key(*right.in));
  TRUE(left.in->same_key(*right.out));
  FALSE(left.in->same_key(*left.out));
  auto packet = rtp(1);
  const auto plain = packet;
  size_t length = 172;
  TRUE(left.out->protect_rtp(packet.data(), &length) == media::SrtpResult::kOk);
  TRUE(right.in->unprotect_rtp(packet.data(), &length) == media::SrtpResult::kOk);
  EQUAL(length, 172u);
  TRUE(std::equal(plain.begin(), plain.begin() + 172, packet.begin()));
}

CASE("DTLS: every hash of a fingerprint is checked") {
  for (const char* hash : {"sha-1", "sha-224", "sha-256", "sha-384", "sha-512"}) {
    Pair good(hash);
    good.pass();
    TRUE(good.connected());
  }
  Pair wrong("sha-256", true);
  wrong.pass();
  FALSE(wrong.connected());
  TRUE(wrong.server->failure() == DtlsTransport::Failure::kFingerprint);
  FALSE(wrong.server->take_keys().in);
  FALSE(wrong.client->take_keys().in);
}

CASE("DTLS: datagrams stay small, and are understood in any order and twice") {
  Pair pair;
  pair.client->start(pair.now);
  for (int round = 0; round < 20 && !pair.connected(); round++) {
    for (auto [wire, end] : {std::pair{&pair.to_server, pair.server.get()}, {&pair.to_client, pair.client.get()}}) {
      auto packets = std::move(wire->under_way);
      wire->under_way.clear();
      for (auto at = packets.rbegin(); at != packets.rend(); at++) {
        end->receive(at->data(), at->size(), pair.now);
        end->receive(at->data(), at->size(), pair.now);
      }
    }
  }
  TRUE(pair.connected());
  TRUE(pair.to_server.longest <= static_cast<size_t>(DtlsTransport::kMtu));
  TRUE(pair.to_client.longest <= static_cast<size_t>(DtlsTransport::kMtu));
}

CASE("DTLS: what is no record, or a changed one, does not end a handshake that goes on") {
  Pair pair;
  pair.client->start(pair.now);
  auto hello = pair.to_server.under_way.front();
  for (size_t i = 0; i < hello.size(); i += 7) {
    auto changed = hello;
    changed.resize(i);
    pair.server->receive(changed.data(), changed.size(), pair.now);
  }
  const std::vector<uint8_t> noise(500, 22);
  pair.server->receive(noise.data(), noise.size(), pair.now);
  pair.deliver();
  pair.client->receive(noise.data(), noise.size(), pair.now);
  TRUE(pair.connected());
}

CASE("DTLS: after some time the handshake's state is given back, and what comes later is dropped") {
  Pair pair;
  pair.pass();
  EQUAL(pair.server->deadline(), pair.now + DtlsTransport::kLinger);
  pair.now += DtlsTransport::kLinger;
  pair.server->run(pair.now);
  EQUAL(pair.server->deadline(), INT64_MAX);
  const std::vector<uint8_t> noise(100, 22);
  pair.server->receive(noise.data(), noise.size(), pair.now);
  TRUE(pair.connected());
}

CASE("DTLS: a handshake that does not end has failed") {
  Pair pair;
  pair.to_server.lost = [](size_t) { return true; };
  pair.client->start(pair.now);
  pair.client->run(pair.now + DtlsTransport::kHandshakeTime + 60'000);
  TRUE(pair.client->state() == DtlsTransport::State::kFailed);
  TRUE(pair.client->failure() == DtlsTransport::Failure::kHandshake);
}

}  // namespace
