// Owns the checks of address learning: the window, the ranking, what a stranger cannot do.
#include "check.h"
#include "../../src/media/native/endpoint_latch.h"

namespace {

using media::Endpoint;
using media::EndpointLatch;
using media::Latching;

constexpr int64_t kWindow = 3000;

Endpoint at(const char* address, uint16_t port) {
  Endpoint result;
  TRUE(Endpoint::parse(address, port, &result));
  return result;
}

const Endpoint kSignalled = at("192.0.2.1", 4000);

bool packet(EndpointLatch& latch, const Endpoint& source, int64_t now) {
  if (!latch.admits(source, now)) return false;
  latch.learn(source, now);
  return true;
}

CASE("until something is heard, packets go where it was signalled") {
  EndpointLatch latch;
  FALSE(latch.destination().known());
  latch.configure(Latching::kLearn, kSignalled, kWindow);
  TRUE(latch.destination() == kSignalled);
  FALSE(latch.learned().known());
}

CASE("a stream that may move follows whoever sends last") {
  EndpointLatch latch;
  latch.configure(Latching::kMove, kSignalled, kWindow);
  const Endpoint first = at("198.51.100.7", 9000), second = at("203.0.113.9", 9002);
  TRUE(packet(latch, first, 100));
  TRUE(latch.destination() == first);
  TRUE(packet(latch, second, 100 + 10 * kWindow));
  TRUE(latch.destination() == second);
  TRUE(packet(latch, first, 200 + 10 * kWindow));
  TRUE(latch.destination() == first);
}

CASE("the first source is learned, and nobody else once the window has closed") {
  EndpointLatch latch;
  latch.configure(Latching::kLearn, kSignalled, kWindow);
  const Endpoint nat = at("198.51.100.7", 9000);
  TRUE(packet(latch, nat, 100));
  TRUE(latch.destination() == nat);
  FALSE(packet(latch, at("203.0.113.5", 9000), 200));
  FALSE(packet(latch, kSignalled, 100 + kWindow));
  TRUE(packet(latch, nat, 100'000));
  TRUE(latch.destination() == nat);
}

CASE("within the window a better match wins: any, then port, then address, then both; never back") {
  EndpointLatch latch;
  latch.configure(Latching::kLearn, kSignalled, kWindow);
  const Endpoint steps[] = {at("203.0.113.5", 9000), at("203.0.113.6", 4000), at("192.0.2.1", 9000), kSignalled};
  for (int i = 0; i < 4; i++) {
    TRUE(packet(latch, steps[i], i));
    TRUE(latch.destination() == steps[i]);
    for (int j = 0; j < i; j++) FALSE(packet(latch, steps[j], i));
    FALSE(packet(latch, i == 0 ? at("203.0.113.9", 9) : steps[0], i));
  }
}

CASE("a packet that was admitted but not found good teaches nothing") {
  EndpointLatch latch;
  latch.configure(Latching::kLearn, kSignalled, kWindow);
  TRUE(latch.admits(at("203.0.113.5", 9000), 0));
  TRUE(latch.destination() == kSignalled);
  TRUE(packet(latch, kSignalled, 50'000));  // the window begins with the first good one
  TRUE(latch.learned() == kSignalled);
}

CASE("strict: the signalled address and port alone; with none signalled nobody") {
  EndpointLatch latch;
  latch.configure(Latching::kStrict, Endpoint(), kWindow);
  FALSE(packet(latch, kSignalled, 0));
  latch.configure(Latching::kStrict, kSignalled, kWindow);
  TRUE(packet(latch, kSignalled, 0));
  FALSE(packet(latch, at("192.0.2.1", 4001), 0));
  TRUE(latch.destination() == kSignalled);
}

CASE("off: anybody may send, nobody is answered but the signalled address") {
  EndpointLatch latch;
  latch.configure(Latching::kOff, kSignalled, kWindow);
  TRUE(packet(latch, at("203.0.113.5", 9000), 0));
  TRUE(latch.destination() == kSignalled);
}

CASE("the same signalled again keeps the latch; another opens a new window") {
  EndpointLatch latch;
  const Endpoint nat = at("198.51.100.7", 9000);
  latch.configure(Latching::kLearn, kSignalled, kWindow);
  packet(latch, nat, 0);
  latch.configure(Latching::kLearn, kSignalled, kWindow);
  TRUE(latch.destination() == nat);
  FALSE(packet(latch, at("203.0.113.5", 9000), 10'000));
  const Endpoint moved = at("192.0.2.9", 6000);
  latch.configure(Latching::kLearn, moved, kWindow);
  TRUE(latch.destination() == moved);
  // Packets still under way from the old place go through, but do not hold the window against the new one.
  TRUE(packet(latch, nat, 20'000));
  const Endpoint behind_nat = at("198.51.100.8", 7777);
  TRUE(packet(latch, behind_nat, 20'001));
  TRUE(latch.destination() == behind_nat);
  FALSE(packet(latch, nat, 20'002));
}

CASE("an address not signalled any more keeps what was learned") {
  EndpointLatch latch;
  latch.configure(Latching::kLearn, Endpoint(), kWindow);
  const Endpoint nat = at("198.51.100.7", 9000);
  packet(latch, nat, 0);
  latch.configure(Latching::kLearn, Endpoint(), kWindow);
  TRUE(latch.destination() == nat);
}

CASE("IPv6 endpoints compare, print and learn as IPv4 ones do") {
  EndpointLatch latch;
  const Endpoint six = at("2001:db8::1", 4000);
  latch.configure(Latching::kLearn, six, kWindow);
  TRUE(packet(latch, at("2001:db8::2", 1), 0));
  TRUE(packet(latch, six, 1));
  FALSE(packet(latch, at("2001:db8::1", 4001), 2));
  EQUAL(six.text(), "[2001:db8::1]:4000");
  EQUAL(kSignalled.text(), "192.0.2.1:4000");
  EQUAL(Endpoint().text(), "");
  Endpoint none;
  FALSE(Endpoint::parse("[::1]", 1, &none));
  FALSE(Endpoint::parse("example.com", 1, &none));
}

}  // namespace
