// Owns the proof of the ICE agent: two of them, or one and a stranger, over a network in memory with a clock of its own.
#include <cstring>
#include <deque>
#include <functional>
#include <vector>

#include "check.h"
#include "../../src/media/native/ice_agent.h"

namespace {

using media::Endpoint;
using media::IceAgent;
using media::IceSettings;
using media::StunClass;
using media::StunKey;
using media::StunMessage;
using media::StunWriter;

Endpoint at(const char* address, uint16_t port) {
  Endpoint result;
  Endpoint::parse(address, port, &result);
  return result;
}

struct Datagram {
  size_t from;  // which side
  uint8_t component;
  std::vector<uint8_t> data;
  Endpoint to;
};

struct Network;

struct Side final : media::DatagramSender {
  Network* network;
  size_t index;
  std::unique_ptr<IceAgent> agent;

  void send(uint8_t component, const uint8_t* data, size_t length, const Endpoint& to) override;
};

struct Network {
  Side sides[2];
  std::deque<Datagram> under_way;
  int64_t now = 1'000'000;
  size_t carried = 0;
  std::function<bool(const Datagram&)> lost = [](const Datagram&) { return false; };

  Network() {
    for (size_t i = 0; i < 2; i++) {
      sides[i].network = this;
      sides[i].index = i;
    }
  }

  static Endpoint address(size_t side, uint8_t component) { return at("192.0.2.1", static_cast<uint16_t>(4000 + 10 * side + component)); }

  static IceSettings settings(size_t side) {
    IceSettings result;
    const char* const ufrags[] = {"left", "rght"};
    const char* const passwords[] = {"leftleftleftleftleftleft", "rightrightrightrightright"};
    result.local_ufrag = ufrags[side];
    result.local_password = passwords[side];
    result.remote_ufrag = ufrags[1 - side];
    result.remote_password = passwords[1 - side];
    result.controlling = side == 0;
    for (uint8_t component = 0; component < 2; component++) result.candidates.push_back({component, 2130706431u - component, address(1 - side, component)});
    return result;
  }

  void configure(size_t side, const IceSettings& settings, uint8_t components = 2) {
    if (!sides[side].agent) sides[side].agent = std::make_unique<IceAgent>(settings, &sides[side], now);
    sides[side].agent->configure(settings, components, now);
  }

  void deliver() {
    while (!under_way.empty()) {
      Datagram next = std::move(under_way.front());
      under_way.pop_front();
      if (lost(next)) continue;
      for (size_t side = 0; side < 2; side++)
        for (uint8_t component = 0; component < 2; component++)
          if (sides[side].agent && next.to == address(side, component))
            sides[side].agent->receive(component, next.data.data(), next.data.size(), address(next.from, next.component), now);
    }
  }

  void pass(int64_t millis) {
    for (const int64_t end = now + millis; now < end; now += 50) {
      for (Side& side : sides)
        if (side.agent) side.agent->run(now);
      deliver();
    }
  }

  bool connected(uint8_t components = 2) const {
    for (size_t side = 0; side < 2; side++)
      for (uint8_t component = 0; component < components; component++)
        if (!(sides[side].agent->selected(component) == address(1 - side, component))) return false;
    return true;
  }
};

void Side::send(uint8_t component, const uint8_t* data, size_t length, const Endpoint& to) {
  network->carried++;
  network->under_way.push_back({index, component, {data, data + length}, to});
}

/// A check as the left side would be sent it; `change` sees it before its integrity.
std::vector<uint8_t> request(const char* username, const char* password, const std::function<void(StunWriter&)>& change = [](StunWriter&) {}) {
  const uint8_t transaction[media::kStunTransaction] = {1, 2, 3};
  StunWriter writer(StunClass::kRequest, transaction);
  writer.text(media::kStunUsername, username);
  change(writer);
  writer.integrity(StunKey(password));
  writer.fingerprint();
  return {writer.data(), writer.data() + writer.size()};
}

/// The error code of what the left side answered; 0: a success; -1: nothing.
int answered(Network& network) {
  if (network.under_way.empty()) return -1;
  const Datagram reply = network.under_way.front();
  StunMessage message;
  TRUE(StunMessage::parse(reply.data.data(), reply.data.size(), &message));
  return message.kind == StunClass::kSuccess ? 0 : message.error;
}

CASE("ICE: two full sides choose the same pair, and few messages do it") {
  Network network;
  network.configure(0, Network::settings(0));
  network.configure(1, Network::settings(1));
  network.pass(1000);
  TRUE(network.connected());
  TRUE(network.sides[0].agent->controlling());
  FALSE(network.sides[1].agent->controlling());
  TRUE(network.carried < 40);
}

CASE("ICE: a lost message is sent again") {
  Network network;
  uint32_t chance = 1;
  network.lost = [&chance](const Datagram&) { return (chance = chance * 1664525 + 1013904223) >> 31 != 0; };
  network.configure(0, Network::settings(0));
  network.configure(1, Network::settings(1));
  network.pass(30'000);
  TRUE(network.connected());
}

CASE("ICE: checks that come before the far end's credentials are answered, and count later") {
  Network network;
  IceSettings early = Network::settings(0);
  early.remote_ufrag.clear();
  early.remote_password.clear();
  early.candidates.clear();
  network.configure(0, early, 1);
  IceSettings right = Network::settings(1);
  network.configure(1, right, 1);
  network.pass(500);
  TRUE(network.sides[0].agent->validated(0, Network::address(1, 0)));
  FALSE(network.sides[0].agent->selected(0).known());
  network.configure(0, Network::settings(0), 1);
  network.pass(1000);
  TRUE(network.connected(1));
}

CASE("ICE: role conflicts are settled, whoever is wrong") {
  for (const bool controlling : {true, false}) {
    Network network;
    for (size_t side = 0; side < 2; side++) {
      IceSettings settings = Network::settings(side);
      settings.controlling = controlling;
      network.configure(side, settings);
    }
    network.pass(3000);
    TRUE(network.connected());
    TRUE(network.sides[0].agent->controlling() != network.sides[1].agent->controlling());
  }
}

CASE("ICE: a lite side makes no checks and answers all") {
  Network network;
  IceSettings left = Network::settings(0), right = Network::settings(1);
  right.lite = true;
  left.remote_lite = true;
  network.configure(1, right);
  EQUAL(network.under_way.size(), 0u);
  network.configure(0, left);
  network.pass(1000);
  TRUE(network.connected());
  network.pass(60'000);
  TRUE(network.connected());
}

CASE("ICE: consent that is not renewed is lost, and media has nowhere to go; a restart finds the way again") {
  Network network;
  network.configure(0, Network::settings(0));
  network.configure(1, Network::settings(1));
  network.pass(120'000);
  TRUE(network.connected());
  network.lost = [](const Datagram&) { return true; };
  network.pass(20'000);
  TRUE(network.sides[0].agent->selected(0).known());
  network.pass(25'000);
  FALSE(network.sides[0].agent->selected(0).known());
  TRUE(network.sides[0].agent->failed());
  network.lost = [](const Datagram&) { return false; };
  IceSettings left = Network::settings(0), right = Network::settings(1);
  left.local_ufrag = right.remote_ufrag = "left2";
  right.local_ufrag = left.remote_ufrag = "rght2";
  for (Side& side : network.sides) side.agent.reset();
  network.configure(0, left);
  network.configure(1, right);
  network.pass(1000);
  TRUE(network.connected());
  FALSE(network.sides[0].agent->failed());
}

CASE("ICE: the far end's new credentials begin anew, the pair in use stays in use until then") {
  Network network;
  network.configure(0, Network::settings(0), 1);
  network.configure(1, Network::settings(1), 1);
  network.pass(1000);
  IceSettings left = Network::settings(0);
  left.remote_ufrag = "newr";
  left.remote_password = "newnewnewnewnewnewnewnew";
  network.configure(0, left, 1);
  TRUE(network.sides[0].agent->selected(0) == Network::address(1, 0));
  // A check of the session before is answered, and counts for nothing.
  network.under_way.clear();
  const Endpoint elsewhere = at("203.0.113.9", 9);
  auto old = request("left:rght", "leftleftleftleftleftleft");
  network.sides[0].agent->receive(0, old.data(), old.size(), elsewhere, network.now);
  EQUAL(answered(network), 0);
  FALSE(network.sides[0].agent->validated(0, elsewhere));
}

CASE("ICE: what a stranger sends is refused and changes nothing") {
  Network network;
  IceSettings left = Network::settings(0);
  left.candidates.clear();
  network.configure(0, left, 1);
  IceAgent& agent = *network.sides[0].agent;
  const Endpoint stranger = at("203.0.113.9", 9);
  const auto give = [&](std::vector<uint8_t> packet) {
    network.under_way.clear();
    agent.receive(0, packet.data(), packet.size(), stranger, network.now);
    const int answer = answered(network);
    // Who has no password is answered little more than was asked: nobody's traffic is multiplied.
    if (answer == 400 || answer == 401) TRUE(network.under_way.front().data.size() <= packet.size() + 8);
    return answer;
  };
  EQUAL(give(request("left:rght", "wrongwrongwrongwrongwrong")), 401);
  EQUAL(give(request("lefx:rght", "leftleftleftleftleftleft")), 401);
  // Another branch of a fork is answered, and not listened to.
  EQUAL(give(request("left:other", "leftleftleftleftleftleft")), 0);
  EQUAL(give(request("left:other", "wrongwrongwrongwrongwrong")), 401);
  EQUAL(give(request("left", "leftleftleftleftleftleft")), 401);
  const uint8_t transaction[media::kStunTransaction] = {9};
  StunWriter bare(StunClass::kRequest, transaction);
  bare.fingerprint();
  EQUAL(give({bare.data(), bare.data() + bare.size()}), 400);
  StunWriter unmarked(StunClass::kRequest, transaction);
  EQUAL(give({unmarked.data(), unmarked.data() + unmarked.size()}), -1);
  StunWriter forged(StunClass::kSuccess, transaction);
  forged.fingerprint();
  EQUAL(give({forged.data(), forged.data() + forged.size()}), -1);
  FALSE(agent.validated(0, stranger));
  EQUAL(give(request("left:rght", "leftleftleftleftleftleft", [](StunWriter& writer) { writer.flag(0x7001); })), 420);
  EQUAL(give(request("left:rght", "leftleftleftleftleftleft", [](StunWriter& writer) { writer.number64(media::kStunIceControlling, 0); })), 487);
  FALSE(agent.validated(0, stranger));
  EQUAL(give(request("left:rght", "leftleftleftleftleftleft")), 0);
  TRUE(agent.validated(0, stranger));
  FALSE(agent.selected(0).known());
}

CASE("ICE: however many addresses its far end checks from, an agent remembers so many pairs") {
  Network network;
  IceSettings left = Network::settings(0);
  left.lite = true;
  left.controlling = false;
  network.configure(0, left, 1);
  IceAgent& agent = *network.sides[0].agent;
  for (uint16_t port = 1; port < 500; port++) {
    auto packet = request("left:rght", "leftleftleftleftleftleft", [](StunWriter& writer) { writer.flag(media::kStunUseCandidate); });
    agent.receive(0, packet.data(), packet.size(), at("203.0.113.9", port), network.now);
    network.under_way.clear();
  }
  size_t known = 0;
  for (uint16_t port = 1; port < 500; port++) known += agent.validated(0, at("203.0.113.9", port));
  TRUE(known > 0 && known <= IceAgent::kMaxPairs);
}

CASE("ICE: of lite sides both, the best candidates are used unchecked") {
  Network network;
  for (size_t side = 0; side < 2; side++) {
    IceSettings settings = Network::settings(side);
    settings.lite = settings.remote_lite = true;
    settings.candidates.push_back({0, 1, at("203.0.113.9", 9)});
    network.configure(side, settings);
  }
  EQUAL(network.carried, 0u);
  TRUE(network.connected());
}

}  // namespace
