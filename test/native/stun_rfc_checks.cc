// Owns the proof of the STUN messages against the vectors of RFC 5769, and of what is no message.
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "../../src/media/native/stun.h"

namespace {

using media::StunClass;
using media::StunKey;
using media::StunMessage;
using media::StunWriter;

std::vector<uint8_t> bytes(const std::string& hex) {
  std::vector<uint8_t> result;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) result.push_back(static_cast<uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return result;
}

const char* const kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
const char* const kTransaction = "b7e7a701bc34d686fa87dfae";
const std::string kRequest = std::string("000100582112a442") + kTransaction + "802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36" +
    "000600096576746a3a68367659202020" "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2" "80280004e57a3bcf";
const std::string kResponse4 = std::string("0101003c2112a442") + kTransaction + "8022000b7465737420766563746f7220" "002000080001a147e112a643" +
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7" "80280004c07d4c96";
const std::string kResponse6 = std::string("010100482112a442") + kTransaction + "8022000b7465737420766563746f7220" "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9" +
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed41" "80280004c8fb0b4c";
/// Of a password under a realm (RFC 5389 15.4): its key is MD5 of all three.
const std::string kLongTerm = "000100602112a44278ad3433c6ad72c029da412e" "00060012e3839ee38388e383aae38383e382afe382b90000" "0015001c662f2f3439396b3935346436" +
    std::string("4f4c33346f4c39465354767936347341" "0014000b6578616d706c652e6f726700" "00080014f67024656dd64a3e02b8e0712e85c9a28ca89666");

CASE("RFC 5769 2.1: the sample request") {
  auto packet = bytes(kRequest);
  StunMessage message;
  TRUE(StunMessage::parse(packet.data(), packet.size(), &message));
  TRUE(message.kind == StunClass::kRequest);
  EQUAL(message.method, media::kStunBinding);
  EQUAL(std::string(message.username), std::string("evtj:h6vY"));
  EQUAL(message.priority, 0x6e0001ffu);
  TRUE(message.controlled);
  EQUAL(message.tie_breaker, 0x932ff9b151263b36u);
  TRUE(message.has_fingerprint);
  TRUE(message.authentic(packet.data(), StunKey(kPassword)));
  FALSE(message.authentic(packet.data(), StunKey("VOkJxbRl1RmTxUk/WvJxBu")));
  EQUAL(packet == bytes(kRequest), true);
}

CASE("RFC 5769 2.2 and 2.3: the sample responses") {
  for (const auto& [hex, address] : {std::pair{kResponse4, "192.0.2.1:32853"}, {kResponse6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"}}) {
    auto packet = bytes(hex);
    StunMessage message;
    TRUE(StunMessage::parse(packet.data(), packet.size(), &message));
    TRUE(message.kind == StunClass::kSuccess);
    EQUAL(message.mapped.text(), std::string(address));
    TRUE(message.has_fingerprint);
    TRUE(message.authentic(packet.data(), StunKey(kPassword)));
  }
}

CASE("RFC 5769 2.4: the sample request with a long-term credential") {
  auto packet = bytes(kLongTerm);
  StunMessage message;
  TRUE(StunMessage::parse(packet.data(), packet.size(), &message));
  FALSE(message.has_fingerprint);
  // MD5("\u30de\u30c8\u30ea\u30c3\u30af\u30b9:example.org:TheMatrIX")
  const char* const text = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9:example.org:TheMatrIX";
  uint8_t digest[16];
  unsigned size = 0;
  EVP_Digest(text, std::strlen(text), digest, &size, EVP_md5(), nullptr);
  TRUE(message.authentic(packet.data(), StunKey({reinterpret_cast<const char*>(digest), size})));
}

CASE("every changed byte of a STUN message is seen") {
  const auto good = bytes(kRequest);
  const StunKey key(kPassword);
  for (size_t i = 0; i < good.size(); i++) {
    auto packet = good;
    packet[i] ^= 0x20;
    StunMessage message;
    TRUE(!StunMessage::parse(packet.data(), packet.size(), &message) || !message.has_fingerprint || !message.authentic(packet.data(), key));
  }
  for (size_t length = 0; length < good.size(); length++) {
    StunMessage message;
    const std::vector<uint8_t> part(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    FALSE(StunMessage::parse(part.data(), part.size(), &message));
  }
}

CASE("what is written is read") {
  const auto transaction = bytes(kTransaction);
  const std::string long_password(256, 'x');
  for (const char* address : {"192.0.2.7", "2001:db8::7"}) {
    StunWriter writer(StunClass::kRequest, transaction.data());
    media::Endpoint mapped;
    media::Endpoint::parse(address, 4711, &mapped);
    writer.text(media::kStunUsername, "a:b");
    writer.number(media::kStunPriority, 77);
    writer.number64(media::kStunIceControlling, 0x0102030405060708);
    writer.flag(media::kStunUseCandidate);
    writer.mapped_address(mapped);
    writer.integrity(StunKey(long_password));
    writer.fingerprint();
    std::vector<uint8_t> packet(writer.data(), writer.data() + writer.size());
    StunMessage message;
    TRUE(StunMessage::parse(packet.data(), packet.size(), &message));
    EQUAL(std::string(message.username), std::string("a:b"));
    TRUE(message.use_candidate && message.controlling && message.has_priority && message.has_fingerprint);
    EQUAL(message.priority, 77u);
    EQUAL(message.tie_breaker, 0x0102030405060708u);
    TRUE(message.mapped == mapped);
    TRUE(message.authentic(packet.data(), StunKey(long_password)));
  }
  StunWriter full(StunClass::kRequest, transaction.data());
  for (int i = 0; i < 6; i++) full.text(0x8022, std::string(250, 'a'));
  EQUAL(full.size(), 0u);
}

CASE("attributes that must be understood are told, four of them at most") {
  const auto transaction = bytes(kTransaction);
  StunWriter writer(StunClass::kRequest, transaction.data());
  for (uint16_t type = 0x7001; type < 0x7007; type++) writer.flag(type);
  writer.flag(0x9001);
  StunMessage message;
  TRUE(StunMessage::parse(writer.data(), writer.size(), &message));
  EQUAL(message.unknown_count, 4u);
  EQUAL(message.unknown[3], 0x7004);
}

}  // namespace
