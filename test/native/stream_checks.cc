// Owns the checks of a stream without a loop: random and truncated datagrams, keys that stay or change, ports.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "../../src/media/native/packet_stream.h"
#include "../../src/media/native/port_pool.h"

namespace {

using media::Endpoint;
using media::PacketStream;
using media::PortPair;
using media::PortPool;
using media::PortResult;
using media::SrtpContext;
using media::StreamSettings;

Endpoint loopback(uint16_t port) {
  Endpoint result;
  Endpoint::parse("127.0.0.11", port, &result);
  return result;
}

std::unique_ptr<SrtpContext> context(uint8_t seed) {
  return std::make_unique<SrtpContext>(media::kCryptoSuites[0], std::vector<uint8_t>(30, seed));
}

std::unique_ptr<StreamSettings> settings(uint8_t in, uint8_t out) {
  auto result = std::make_unique<StreamSettings>();
  result->latching = media::Latching::kOff;
  result->remote_rtp = result->remote_rtcp = loopback(9);
  result->packet_rate = UINT32_MAX;
  if (in) result->srtp_in = context(in);
  if (out) result->srtp_out = context(out);
  return result;
}

struct Pair {
  PortPool pool;
  PortPair first, second;
  std::unique_ptr<PacketStream> a, b;

  Pair() {
    int error = 0;
    TRUE(pool.open(loopback(0), 41900, 41999, 0, 0, &first, &error) == PortResult::kOk);
    TRUE(pool.open(loopback(0), 41900, 41999, 0, 0, &second, &error) == PortResult::kOk);
    a = std::make_unique<PacketStream>(1, first.rtp_fd, first.rtcp_fd, 0);
    b = std::make_unique<PacketStream>(2, second.rtp_fd, second.rtcp_fd, 0);
    a->link(b.get());
  }
  ~Pair() {
    a->unlink();
  }
};

void give(PacketStream& stream, PacketStream::Component component, std::vector<uint8_t> bytes, int64_t now = 1'000'000) {
  const size_t length = bytes.size();
  // The loop's buffers have room for what SRTP adds, and not a byte more.
  bytes.resize(length + SrtpContext::kMaxGrowth);
  stream.receive(component, bytes.data(), length, loopback(9), now);
}

CASE("300,000 random and truncated datagrams, in every combination of keys") {
  std::mt19937 random(3711);
  for (const auto& [in, out] : {std::pair<uint8_t, uint8_t>{0, 0}, {0, 1}, {1, 0}, {1, 2}}) {
    Pair pair;
    pair.a->configure(settings(in, out), 0);
    pair.b->configure(settings(in, out), 0);
    for (int i = 0; i < 75'000; i++) {
      std::vector<uint8_t> bytes(random() % (i % 100 == 0 ? 2000 : 60));
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      if (!bytes.empty() && i % 4 != 0) bytes[0] = static_cast<uint8_t>(0x80 | (bytes[0] & 0x1f));
      if (bytes.size() > 1 && i % 4 == 1) bytes[1] = static_cast<uint8_t>(192 + bytes[1] % 32);
      if (bytes.size() > 3 && i % 8 == 1) bytes[2] = bytes[3] = 0;
      give(*pair.a, i % 3 == 0 ? PacketStream::kRtcp : PacketStream::kRtp, std::move(bytes));
    }
    if (in) EQUAL(pair.a->counters().rtp_packets_in.get() + pair.a->counters().rtcp_packets_in.get(), 0u);
    TRUE(pair.a->counters().malformed.get() > 0);
  }
}

std::vector<uint8_t> protected_packet(SrtpContext& by, uint16_t sequence) {
  std::vector<uint8_t> bytes(12 + 20 + SrtpContext::kMaxGrowth);
  bytes[0] = 0x80;
  bytes[2] = static_cast<uint8_t>(sequence >> 8);
  bytes[3] = static_cast<uint8_t>(sequence);
  size_t length = 32;
  by.protect_rtp(bytes.data(), &length);
  bytes.resize(length);
  return bytes;
}

CASE("the same key configured again keeps its roll-over counter, another begins at 0") {
  Pair pair;
  pair.b->configure(settings(0, 0), 0);
  pair.a->configure(settings(1, 0), 0);
  auto sender = context(1);
  for (uint32_t i = 65'000; i < 66'000; i++) give(*pair.a, PacketStream::kRtp, protected_packet(*sender, static_cast<uint16_t>(i)));
  EQUAL(pair.a->counters().rtp_packets_in.get(), 1000u);
  pair.a->configure(settings(1, 0), 0);
  give(*pair.a, PacketStream::kRtp, protected_packet(*sender, static_cast<uint16_t>(66'000)));
  EQUAL(pair.a->counters().rtp_packets_in.get(), 1001u);
  pair.a->configure(settings(2, 0), 0);
  give(*pair.a, PacketStream::kRtp, protected_packet(*sender, static_cast<uint16_t>(66'001)));
  EQUAL(pair.a->counters().srtp_auth.get(), 1u);
  auto fresh = context(2);
  give(*pair.a, PacketStream::kRtp, protected_packet(*fresh, static_cast<uint16_t>(66'002)));
  EQUAL(pair.a->counters().rtp_packets_in.get(), 1002u);
}

CASE("deadlines: per stream, another one while it is held, each reported once until something happens") {
  Pair pair;
  EQUAL(pair.a->deadline(), INT64_MAX);
  auto timed = settings(0, 0);
  timed->timeout = 60'000;
  timed->silent_timeout = 3'600'000;
  pair.a->configure(std::move(timed), 1000);
  EQUAL(pair.a->deadline(), 61'000);
  FALSE(pair.a->silent());
  give(*pair.a, PacketStream::kRtp, {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 5'000'000);
  EQUAL(pair.a->deadline(), 65'000);
  pair.a->timed_out();
  EQUAL(pair.a->deadline(), INT64_MAX);
  give(*pair.a, PacketStream::kRtp, {0x80, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1}, 100'000'000);
  EQUAL(pair.a->deadline(), 160'000);
  auto held = settings(0, 0);
  held->timeout = 60'000;
  held->silent_timeout = 3'600'000;
  held->receive = false;
  pair.a->configure(std::move(held), 200'000);
  TRUE(pair.a->silent());
  EQUAL(pair.a->deadline(), 3'800'000);
}

CASE("more good packets in a second than the rate allows are dropped, and the next second begins anew") {
  Pair pair;
  auto limited = settings(0, 0);
  limited->packet_rate = 10;
  pair.a->configure(std::move(limited), 0);
  const std::vector<uint8_t> packet = {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
  for (int i = 0; i < 25; i++) give(*pair.a, PacketStream::kRtp, packet, 5'000'000 + i);
  EQUAL(pair.a->counters().rtp_packets_in.get(), 10u);
  EQUAL(pair.a->counters().rate_limited.get(), 15u);
  give(*pair.a, PacketStream::kRtp, packet, 6'000'000);
  EQUAL(pair.a->counters().rtp_packets_in.get(), 11u);
}

CASE("ports: even, within the range, none twice, exhausted in words, rested before they come again") {
  PortPool pool;
  std::vector<PortPair> pairs;
  bool used[10] = {};
  int error = 0;
  for (int i = 0; i < 9; i++) {
    PortPair pair;
    // 41801 and 41820 are no whole pairs of this range.
    TRUE(pool.open(loopback(0), 41801, 41820, 184, 0, &pair, &error) == PortResult::kOk);
    for (int fd : {pair.rtp_fd, pair.rtcp_fd}) {
      int tos = 0;
      socklen_t size = sizeof tos;
      getsockopt(fd, IPPROTO_IP, IP_TOS, &tos, &size);
      EQUAL(tos, 184);
    }
    EQUAL(pair.rtp_port % 2, 0);
    TRUE(pair.rtp_port >= 41802 && pair.rtp_port <= 41818);
    FALSE(used[(pair.rtp_port - 41802) / 2]);
    used[(pair.rtp_port - 41802) / 2] = true;
    pairs.push_back(pair);
  }
  PortPair none;
  TRUE(pool.open(loopback(0), 41801, 41820, 0, 0, &none, &error) == PortResult::kExhausted);
  for (const PortPair& pair : pairs) {
    close(pair.rtp_fd);
    close(pair.rtcp_fd);
    pool.give_back(loopback(0), pair.rtp_port, pair.rtp_port == pairs[4].rtp_port ? -PortPool::kRest : 0);
  }
  PortPair again;
  TRUE(pool.open(loopback(0), 41801, 41820, 0, 0, &again, &error) == PortResult::kOk);
  EQUAL(again.rtp_port, pairs[4].rtp_port);
  // Where only resting ports are left, they are better than none.
  PortPair resting;
  TRUE(pool.open(loopback(0), 41801, 41820, 0, 0, &resting, &error) == PortResult::kOk);
  for (const PortPair& pair : {again, resting}) {
    close(pair.rtp_fd);
    close(pair.rtcp_fd);
  }
}

CASE("a port that another process holds is passed over; both of a pair must be free") {
  PortPool mine, other;
  PortPair held, got;
  int error = 0;
  TRUE(other.open(loopback(0), 41850, 41851, 0, 0, &held, &error) == PortResult::kOk);
  close(held.rtp_fd);  // only the RTCP port is held now
  TRUE(mine.open(loopback(0), 41850, 41851, 0, 0, &got, &error) == PortResult::kExhausted);
  close(held.rtcp_fd);
  TRUE(mine.open(loopback(0), 41850, 41851, 0, 0, &got, &error) == PortResult::kOk);
  close(got.rtp_fd);
  close(got.rtcp_fd);
  Endpoint foreign;
  Endpoint::parse("192.0.2.77", 0, &foreign);
  TRUE(mine.open(foreign, 41850, 41851, 0, 0, &got, &error) == PortResult::kAddress);
  for (const auto& [low, high] : {std::pair<uint16_t, uint16_t>{5, 4}, {7, 7}, {7, 8}, {65535, 65535}})
    TRUE(mine.open(loopback(0), low, high, 0, 0, &got, &error) == PortResult::kExhausted);
}

}  // namespace
