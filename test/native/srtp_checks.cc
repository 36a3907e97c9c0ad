// Owns the checks of SRTP contexts: roll-over, replay, tags, bounds.
#include <array>
#include <cstring>
#include <vector>

#include "check.h"
#include "../../src/media/native/replay_window.h"
#include "../../src/media/native/srtp_context.h"

namespace {

using media::SrtpContext;
using media::SrtpResult;

std::array<uint8_t, 30> key(uint8_t seed) {
  std::array<uint8_t, 30> result;
  for (size_t i = 0; i < result.size(); i++) result[i] = static_cast<uint8_t>(seed + i * 7);
  return result;
}

/// A packet in a buffer of exactly the size it may grow to, so that ASan sees a byte too many.
struct Packet {
  std::vector<uint8_t> bytes;
  size_t length;

  explicit Packet(size_t size) : bytes(size + SrtpContext::kMaxGrowth), length(size) {}
  uint8_t* data() { return bytes.data(); }
  bool same(const Packet& other) const { return length == other.length && std::memcmp(bytes.data(), other.bytes.data(), length) == 0; }
};

Packet rtp(uint16_t sequence, uint32_t ssrc = 0x11223344, size_t payload = 20) {
  Packet packet(12 + payload);
  packet.bytes[0] = 0x80;
  packet.bytes[2] = static_cast<uint8_t>(sequence >> 8);
  packet.bytes[3] = static_cast<uint8_t>(sequence);
  media::write32(packet.data() + 8, ssrc);
  for (size_t i = 0; i < payload; i++) packet.bytes[12 + i] = static_cast<uint8_t>(i + sequence);
  return packet;
}

Packet rtcp(uint32_t ssrc = 0x11223344) {
  Packet packet(28);
  packet.bytes[0] = 0x80;
  packet.bytes[1] = 200;
  packet.bytes[3] = 6;
  media::write32(packet.data() + 4, ssrc);
  return packet;
}

const media::CryptoSuite& kSuite80 = media::kCryptoSuites[0];
const media::CryptoSuite& kSuite32 = media::kCryptoSuites[1];

CASE("what one context protects, another of the same key reads; the tag has the suite's length") {
  for (const media::CryptoSuite& suite : media::kCryptoSuites) {
    std::vector<uint8_t> master(suite.master_length(), 0x5a);
    SrtpContext out(suite, master), in(suite, master);
    for (size_t payload : {0u, 1u, 15u, 16u, 17u, 160u, 1400u}) {
      Packet packet = rtp(static_cast<uint16_t>(100 + payload), 7, payload), plain = packet;
      TRUE(out.protect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
      EQUAL(packet.length, plain.length + suite.tag_length);
      TRUE(in.unprotect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
      TRUE(packet.same(plain));
    }
  }
}

CASE("CSRC list and header extension stay in the clear; a header that lies about its length is refused") {
  SrtpContext out(kSuite80, key(1));
  Packet packet = rtp(1, 9, 40), plain = packet;
  packet.bytes[0] = plain.bytes[0] = 0x92;  // X, two CSRCs
  packet.bytes[22] = plain.bytes[22] = 0;
  packet.bytes[23] = plain.bytes[23] = 2;
  TRUE(out.protect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
  EQUAL(std::memcmp(packet.data(), plain.data(), 32), 0);
  TRUE(std::memcmp(packet.data() + 32, plain.data() + 32, 20) != 0);
  Packet liar = rtp(2, 9, 4);
  liar.bytes[0] = 0x8f;
  TRUE(out.protect_rtp(liar.data(), &liar.length) == SrtpResult::kShort);
}

CASE("200,000 packets of one stream decrypt, over three roll-overs, with every third lost") {
  SrtpContext out(kSuite80, key(2)), in(kSuite80, key(2));
  size_t bad = 0;
  for (uint32_t i = 0; i < 200'000; i++) {
    Packet packet = rtp(static_cast<uint16_t>(60'000 + i)), plain = packet;
    if (out.protect_rtp(packet.data(), &packet.length) != SrtpResult::kOk) bad++;
    if (i % 3 == 0) continue;
    if (in.unprotect_rtp(packet.data(), &packet.length) != SrtpResult::kOk || !packet.same(plain)) bad++;
  }
  EQUAL(bad, 0u);
}

CASE("packets reordered over the roll-over decrypt, each once") {
  SrtpContext out(kSuite32, key(3)), in(kSuite32, key(3));
  std::vector<Packet> sent;
  for (int i = 0; i < 100; i++) {
    Packet packet = rtp(static_cast<uint16_t>(65'486 + i));
    TRUE(out.protect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
    sent.push_back(packet);
  }
  for (int i = 98; i >= 0; i -= 2)
    for (int j : {i + 1, i}) {
      Packet packet = sent[static_cast<size_t>(99 - j)];
      TRUE(in.unprotect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
    }
  for (Packet packet : sent) TRUE(in.unprotect_rtp(packet.data(), &packet.length) == SrtpResult::kReplay);
}

CASE("no bit of a packet can be changed, and a changed one leaves the context as it was") {
  SrtpContext out(kSuite80, key(4)), in(kSuite80, key(4));
  Packet packet = rtp(5);
  out.protect_rtp(packet.data(), &packet.length);
  for (size_t bit = 0; bit < packet.length * 8; bit++) {
    Packet changed = packet;
    changed.bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    TRUE(in.unprotect_rtp(changed.data(), &changed.length) != SrtpResult::kOk);
  }
  TRUE(in.unprotect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
}

CASE("an index older than the window never passes") {
  SrtpContext out(kSuite80, key(5)), in(kSuite80, key(5));
  std::vector<Packet> sent;
  for (uint16_t i = 0; i < 300; i++) {
    Packet packet = rtp(i);
    out.protect_rtp(packet.data(), &packet.length);
    sent.push_back(packet);
  }
  Packet newest = sent[299];
  TRUE(in.unprotect_rtp(newest.data(), &newest.length) == SrtpResult::kOk);
  for (size_t i = 0; i < 299; i++) {
    Packet packet = sent[i];
    const bool within = 299 - i < media::ReplayWindow::kWidth;
    TRUE(in.unprotect_rtp(packet.data(), &packet.length) == (within ? SrtpResult::kOk : SrtpResult::kReplay));
  }
}

CASE("an index is never used twice to protect, so no keystream is") {
  SrtpContext out(kSuite80, key(6));
  Packet first = rtp(9), again = rtp(9);
  TRUE(out.protect_rtp(first.data(), &first.length) == SrtpResult::kOk);
  TRUE(out.protect_rtp(again.data(), &again.length) == SrtpResult::kReplay);
  Packet before = rtp(65'500);  // would be before the key's first packet
  TRUE(out.protect_rtp(before.data(), &before.length) == SrtpResult::kReplay);
  Packet ahead = rtp(65'000), late = rtp(10);  // too far away for that: it has leapt, and 10 begins anew
  TRUE(out.protect_rtp(ahead.data(), &ahead.length) == SrtpResult::kOk);
  TRUE(out.protect_rtp(late.data(), &late.length) == SrtpResult::kOk);
  SrtpContext in(kSuite80, key(6));
  for (Packet* packet : {&first, &ahead, &late}) TRUE(in.unprotect_rtp(packet->data(), &packet->length) == SrtpResult::kOk);
  Packet replayed = rtp(65'000);
  TRUE(out.protect_rtp(replayed.data(), &replayed.length) == SrtpResult::kReplay);
}

CASE("sources are bounded, forged ones take no place, known ones go on") {
  SrtpContext out(kSuite80, key(7)), in(kSuite80, key(7)), stranger(kSuite80, key(8));
  for (uint32_t ssrc = 0; ssrc < 1000; ssrc++) {
    SrtpContext each(kSuite80, key(8));
    Packet forged = rtp(1, 5000 + ssrc);
    each.protect_rtp(forged.data(), &forged.length);
    TRUE(in.unprotect_rtp(forged.data(), &forged.length) == SrtpResult::kAuth);
  }
  for (uint32_t ssrc = 0; ssrc < SrtpContext::kMaxSources + 5; ssrc++) {
    SrtpContext each(kSuite80, key(7));
    Packet packet = rtp(1, ssrc);
    each.protect_rtp(packet.data(), &packet.length);
    TRUE(in.unprotect_rtp(packet.data(), &packet.length) == (ssrc < SrtpContext::kMaxSources ? SrtpResult::kOk : SrtpResult::kSsrcLimit));
  }
  SrtpContext each(kSuite80, key(7));
  Packet packet = rtp(2, 3);
  each.protect_rtp(packet.data(), &packet.length);
  TRUE(in.unprotect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
}

CASE("SRTCP: index, replay, tag of 80 bits in both suites, unencrypted but authenticated") {
  for (const auto* suite : {&kSuite80, &kSuite32}) {
    SrtpContext out(*suite, key(9)), in(*suite, key(9));
    for (uint32_t i = 0; i < 300; i++) {
      Packet packet = rtcp(), plain = packet;
      TRUE(out.protect_rtcp(packet.data(), &packet.length) == SrtpResult::kOk);
      EQUAL(packet.length, plain.length + 14);
      EQUAL(media::read32(packet.data() + plain.length), 0x80000000u | i);
      Packet replayed = packet, changed = packet;
      changed.bytes[10] ^= 1;
      TRUE(in.unprotect_rtcp(changed.data(), &changed.length) == SrtpResult::kAuth);
      TRUE(in.unprotect_rtcp(packet.data(), &packet.length) == SrtpResult::kOk);
      TRUE(packet.same(plain));
      TRUE(in.unprotect_rtcp(replayed.data(), &replayed.length) == SrtpResult::kReplay);
    }
  }
}

CASE("SRTP, AEAD: SRTCP keeps its index behind the tag; not one bit of either can be changed") {
  for (const media::CryptoSuite& suite : media::kCryptoSuites) {
    if (!suite.aead) continue;
    const std::vector<uint8_t> master(suite.master_length(), 0x5a);
    SrtpContext out(suite, master), in(suite, master);
    Packet media_packet = rtp(5), control = rtcp(), plain = control;
    TRUE(out.protect_rtp(media_packet.data(), &media_packet.length) == SrtpResult::kOk);
    TRUE(out.protect_rtcp(control.data(), &control.length) == SrtpResult::kOk);
    EQUAL(control.length, plain.length + 20);
    EQUAL(media::read32(control.data() + plain.length + 16), 0x80000000u);
    for (size_t bit = 0; bit < media_packet.length * 8; bit++) {
      Packet changed = media_packet;
      changed.bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      TRUE(in.unprotect_rtp(changed.data(), &changed.length) != SrtpResult::kOk);
    }
    for (size_t bit = 0; bit < control.length * 8; bit++) {
      Packet changed = control;
      changed.bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      TRUE(in.unprotect_rtcp(changed.data(), &changed.length) != SrtpResult::kOk);
    }
    TRUE(in.unprotect_rtp(media_packet.data(), &media_packet.length) == SrtpResult::kOk);
    TRUE(in.unprotect_rtcp(control.data(), &control.length) == SrtpResult::kOk);
    TRUE(control.same(plain));
  }
}

CASE("a master key identifier stands in every packet, before the tag or after the ciphertext; a wrong one is its own failure") {
  for (const media::CryptoSuite& suite : media::kCryptoSuites) {
    const std::vector<uint8_t> master(suite.master_length(), 0x5a);
    for (size_t length : {1u, 4u, 128u}) {
      std::vector<uint8_t> mki(length, 0);
      mki.back() = 7;
      SrtpContext out(suite, master, mki), in(suite, master, mki), unnamed(suite, master);
      Packet packet = rtp(1), plain = packet;
      TRUE(out.protect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
      EQUAL(packet.length, plain.length + length + suite.tag_length);
      EQUAL(packet.bytes[plain.length + length - 1 + (suite.aead ? suite.tag_length : 0)], 7);
      Packet wrong = packet, bare = packet;
      wrong.bytes[plain.length + length - 1 + (suite.aead ? suite.tag_length : 0)] = 8;
      TRUE(in.unprotect_rtp(wrong.data(), &wrong.length) == SrtpResult::kMki);
      TRUE(unnamed.unprotect_rtp(bare.data(), &bare.length) == SrtpResult::kAuth);
      TRUE(in.unprotect_rtp(packet.data(), &packet.length) == SrtpResult::kOk);
      TRUE(packet.same(plain));
      Packet control = rtcp(), before = control;
      TRUE(out.protect_rtcp(control.data(), &control.length) == SrtpResult::kOk);
      EQUAL(control.length, before.length + 4 + length + suite.rtcp_tag_length);
      const size_t mki_end = suite.aead ? control.length : control.length - suite.rtcp_tag_length;
      EQUAL(control.bytes[mki_end - 1], 7);
      Packet changed = control;
      changed.bytes[mki_end - 1] = 9;
      TRUE(in.unprotect_rtcp(changed.data(), &changed.length) == SrtpResult::kMki);
      TRUE(in.unprotect_rtcp(control.data(), &control.length) == SrtpResult::kOk);
      TRUE(control.same(before));
    }
  }
}

CASE("whatever is shorter than SRTP can be is refused, not read past its end") {
  SrtpContext in(kSuite80, key(10));
  for (size_t size = 0; size < 40; size++) {
    for (uint8_t first : {0x80, 0x90, 0x8f, 0x9f, 0xbf}) {
      std::vector<uint8_t> bytes(size, 0xff);
      if (size > 0) bytes[0] = first;
      if (size > 1) bytes[1] = 200;
      size_t length = size;
      TRUE(in.unprotect_rtp(bytes.data(), &length) != SrtpResult::kOk);
      length = size;
      TRUE(in.unprotect_rtcp(bytes.data(), &length) != SrtpResult::kOk);
    }
  }
}

CASE("a key is the same only with its suite, cipher key and salt") {
  SrtpContext a(kSuite80, key(11)), b(kSuite80, key(11)), c(kSuite32, key(11)), d(kSuite80, key(12));
  auto salted = key(11);
  salted[29] ^= 1;
  SrtpContext e(kSuite80, salted);
  TRUE(a.same_key(b));
  FALSE(a.same_key(c));
  FALSE(a.same_key(d));
  FALSE(a.same_key(e));
}

CASE("replay window: new, seen, old, and a jump past its width") {
  using Verdict = media::ReplayWindow::Verdict;
  media::ReplayWindow window;
  window.add(1000);
  TRUE(window.check(1000) == Verdict::kSeen);
  TRUE(window.check(1000 - 127) == Verdict::kNew);
  TRUE(window.check(1000 - 128) == Verdict::kOld);
  window.add(1000 - 127);
  TRUE(window.check(1000 - 127) == Verdict::kSeen);
  window.add(1127);
  TRUE(window.check(1000) == Verdict::kSeen);
  TRUE(window.check(999) == Verdict::kOld);
  window.add(1127 + 128);
  TRUE(window.check(1127) == Verdict::kOld);
  TRUE(window.check(1128) == Verdict::kNew);
  window.add(uint64_t{1} << 47);
  TRUE(window.check(1255) == Verdict::kOld);
}

}  // namespace
