// Owns the checks of audio: G.711, telephone events, conversion of payloads, playout, files.
#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "../../src/media/native/playout.h"
#include "../../src/media/native/recorder.h"
#include "../../src/media/native/srtp_context.h"
#include "../../src/media/native/transcoder.h"

namespace {

using namespace media;

using Packet = std::vector<uint8_t>;

Packet rtp(uint16_t sequence, uint32_t timestamp, uint8_t type, const Packet& payload, uint32_t ssrc = 7) {
  Packet packet(12);
  packet[0] = 0x80;
  packet[1] = type;
  write16(packet.data() + 2, sequence);
  write32(packet.data() + 4, timestamp);
  write32(packet.data() + 8, ssrc);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

struct Collected : PacketSink {
  std::vector<Packet> packets;
  void packet(uint8_t* data, size_t length) override { packets.emplace_back(data, data + length); }
  uint16_t sequence(size_t i) const { return read16(packets[i].data() + 2); }
  uint32_t timestamp(size_t i) const { return read32(packets[i].data() + 4); }
  uint32_t ssrc(size_t i) const { return read32(packets[i].data() + 8); }
  size_t payload(size_t i) const { return packets[i].size() - 12; }
};

void convert(Transcoder& transcoder, Packet packet, PacketSink& sink) {
  const size_t length = packet.size();
  packet.resize(length + SrtpContext::kMaxGrowth);
  transcoder.convert(packet.data(), length, sink);
}

Conversion to_mu(uint16_t packet_samples = 0) {
  Conversion conversion;
  conversion.packet_samples = packet_samples;
  conversion.rules[8] = {PayloadRule::Kind::kTranslate, 0, Law::kA, Law::kMu};
  conversion.rules[101] = {PayloadRule::Kind::kRenumber, 96, Law::kNone, Law::kNone};
  conversion.rules[102] = {PayloadRule::Kind::kTone, 0, Law::kNone, Law::kMu};
  conversion.rules[13] = {PayloadRule::Kind::kDrop, 0, Law::kNone, Law::kNone};
  return conversion;
}

Packet event(uint8_t code, bool end, uint16_t duration) {
  Packet payload(TelephoneEvent::kSize);
  TelephoneEvent{code, end, 10, duration}.write(payload.data());
  return payload;
}

/// Power of one frequency in samples (Goertzel), against the power of all of them.
double share(const std::vector<int16_t>& samples, double frequency) {
  const double k = 2 * std::cos(2 * 3.14159265358979 * frequency / 8000);
  double a = 0, b = 0, total = 0;
  for (const int16_t sample : samples) {
    const double next = sample + k * a - b;
    b = a;
    a = next;
    total += static_cast<double>(sample) * sample;
  }
  return (a * a + b * b - k * a * b) / (total * static_cast<double>(samples.size()) / 2);
}

CASE("G.711 code words survive expansion, and samples lose no more than a step") {
  for (int code = 0; code < 256; code++) {
    for (const Law law : {Law::kMu, Law::kA}) {
      // Mu-law has two code words of zero.
      if (law == Law::kMu && code == 0x7f) continue;
      EQUAL(static_cast<int>(compress(law, expand(law, static_cast<uint8_t>(code)))), code);
    }
  }
  for (int sample = -32768; sample < 32768; sample += 7) {
    for (const Law law : {Law::kMu, Law::kA}) {
      const int back = expand(law, compress(law, static_cast<int16_t>(sample)));
      TRUE(std::abs(back - sample) <= std::abs(sample) / 16 + 16 || std::abs(sample) > 32000);
    }
  }
  EQUAL(static_cast<int>(expand(Law::kA, silence(Law::kA))), 8);
  EQUAL(static_cast<int>(expand(Law::kMu, silence(Law::kMu))), 0);
  // ITU-T G.711 tables 1a and 2a: the largest values.
  EQUAL(static_cast<int>(expand(Law::kA, 0xaa)), 32256);
  EQUAL(static_cast<int>(expand(Law::kMu, 0x80)), 32124);
}

CASE("an event is told once, at its end, or where the next one begins") {
  EventDetector detector;
  RtpHeader header{1, 1000, 7, 12};
  const auto heard = [&](uint32_t timestamp, TelephoneEvent packet) {
    header.timestamp = timestamp;
    return detector.heard(header, packet, 0);
  };
  EQUAL(heard(1000, {5, false, 10, 160}).began, true);
  EQUAL(heard(1000, {5, false, 10, 320}).count, 0u);
  const auto end = heard(1000, {5, true, 10, 480});
  EQUAL(end.count, 1u);
  EQUAL(end.ended[0].duration, 480);
  EQUAL(heard(1000, {5, true, 10, 480}).count, 0u);
  EQUAL(heard(3000, {6, false, 10, 160}).count, 0u);
  // Its end is lost.
  const auto next = heard(6000, {7, false, 10, 160});
  EQUAL(next.count, 1u);
  EQUAL(next.ended[0].event, 6);
  // A late packet of the one before.
  EQUAL(heard(3000, {6, true, 10, 800}).count, 0u);
  EQUAL(heard(6000, {7, true, 10, 320}).ended[0].event, 7);
  // A hook flash is no key.
  EQUAL(heard(9000, {16, true, 10, 320}).count, 0u);
}

CASE("who tells more keys than anybody presses is not listened to") {
  EventDetector detector;
  size_t told = 0;
  for (uint32_t i = 0; i < 1000; i++) told += detector.heard({1, i * 400, 7, 12}, {1, true, 10, 160}, 500'000 + i).count;
  EQUAL(told, 20u);
  EQUAL(detector.heard({1, 1'000'000, 7, 12}, {1, true, 10, 160}, 2'000'000).count, 1u);
}

CASE("one law becomes the other in place; numbers and timestamps stay") {
  Transcoder transcoder(to_mu());
  Collected out;
  convert(transcoder, rtp(10, 1600, 8, Packet(160, 0xd5)), out);
  convert(transcoder, rtp(11, 1760, 101, event(1, false, 160)), out);
  convert(transcoder, rtp(12, 1920, 77, Packet(20, 1)), out);
  EQUAL(out.packets.size(), 3u);
  EQUAL(out.packets[0][1], 0);
  EQUAL(out.packets[0][12], compress(Law::kMu, expand(Law::kA, 0xd5)));
  EQUAL(out.packets[1][1], 96);
  EQUAL(out.packets[2][1], 77);
  EQUAL(out.sequence(2), 12);
  EQUAL(out.timestamp(0), 1600u);
}

CASE("packets of 20 ms become packets of 30 ms, and back, without a gap in the numbers") {
  for (const auto& [in, wanted] : {std::pair<uint16_t, uint16_t>{160, 240}, {240, 160}, {160, 320}, {320, 160}, {80, 160}}) {
    Transcoder transcoder(to_mu(wanted));
    Collected out;
    uint32_t timestamp = 0xfffffe00;
    for (uint16_t i = 0; i < 60; i++, timestamp += in) convert(transcoder, rtp(static_cast<uint16_t>(65500 + i), timestamp, 8, Packet(in, 0xd5)), out);
    EQUAL(out.packets.size(), static_cast<size_t>(60 * in / wanted));
    for (size_t i = 0; i < out.packets.size(); i++) {
      EQUAL(out.payload(i), wanted);
      EQUAL(out.timestamp(i), 0xfffffe00 + static_cast<uint32_t>(i) * wanted);
      EQUAL(out.sequence(i), static_cast<uint16_t>(out.sequence(0) + i));
    }
  }
}

CASE("lost packets stay lost, late ones are left out, another source begins anew") {
  Transcoder transcoder(to_mu(320));
  Collected out;
  const auto say = [&](int i, uint32_t ssrc = 7) {
    convert(transcoder, rtp(static_cast<uint16_t>(100 + i), static_cast<uint32_t>(160 * i), 8, Packet(160, 0xd5), ssrc), out);
  };
  for (const int i : {0, 1, 2, 4, 3, 5, 6, 7}) say(i);
  // 0+1, 2 alone, 4+5, 6+7; the late 3 is gone.
  EQUAL(out.packets.size(), 4u);
  EQUAL(out.payload(1), 160u);
  EQUAL(out.timestamp(2), 640u);
  for (size_t i = 1; i < out.packets.size(); i++) TRUE(static_cast<uint16_t>(out.sequence(i) - out.sequence(i - 1)) <= 2);
  say(20, 8);
  say(21, 8);
  EQUAL(out.packets.size(), 5u);
  EQUAL(out.sequence(4), 120 + 0);
}

CASE("an event that the far end does not know is heard as the sound of its key") {
  Transcoder transcoder(to_mu());
  Collected out;
  convert(transcoder, rtp(1, 800, 8, Packet(160, 0xd5)), out);
  for (uint16_t i = 1; i <= 5; i++) convert(transcoder, rtp(static_cast<uint16_t>(1 + i), 960, 102, event(5, false, static_cast<uint16_t>(160 * i))), out);
  for (uint16_t i = 0; i < 3; i++) convert(transcoder, rtp(static_cast<uint16_t>(7 + i), 960, 102, event(5, true, 960)), out);
  convert(transcoder, rtp(10, 1920, 8, Packet(160, 0xd5)), out);
  EQUAL(out.packets.size(), 8u);
  std::vector<int16_t> heard;
  for (size_t i = 1; i < 7; i++) {
    EQUAL(out.timestamp(i), 960 + 160 * static_cast<uint32_t>(i - 1));
    for (size_t at = 12; at < out.packets[i].size(); at++) heard.push_back(expand(Law::kMu, out.packets[i][at]));
  }
  EQUAL(heard.size(), 960u);
  TRUE(share(heard, 770) > 0.4);
  TRUE(share(heard, 1336) > 0.4);
  for (size_t i = 1; i < out.packets.size(); i++) EQUAL(out.sequence(i), out.sequence(i - 1) + 1);
}

CASE("no packet whatever is read beyond its end") {
  std::mt19937 random(7);
  for (const uint16_t samples : {0, 80, 240, 1600}) {
    Transcoder transcoder(to_mu(samples));
    Playout playout;
    Collected out;
    for (int i = 0; i < 20'000; i++) {
      Packet packet = rtp(static_cast<uint16_t>(random()), random() % 4000, std::array<uint8_t, 5>{8, 101, 102, 13, 0x88}[random() % 5], Packet(random() % 400, static_cast<uint8_t>(random())));
      packet[0] = static_cast<uint8_t>(packet[0] | (random() % 8 == 0 ? random() & 0x3f : 0));
      if (random() % 4 == 0) packet.resize(random() % packet.size());
      convert(transcoder, packet, out);
      if (i % 50 == 0) playout.press({.event = static_cast<uint8_t>(random() % 16), .law = random() % 2 ? Law::kA : Law::kNone}, i * 1000);
      if (!packet.empty()) playout.admit(packet.data(), packet.size(), i * 1000);
      playout.tick(i * 1000, out);
      out.packets.clear();
    }
  }
}

CASE("a clip is heard in packets of its own source, as often as asked") {
  Playout playout;
  Collected out;
  EQUAL(playout.due(), INT64_MAX);
  playout.play({std::make_shared<const Clip>(400, 0xd5), 8, 160, 2, 80}, 1'000'000);
  bool ended = false;
  for (int64_t now = 1'000'000; now < 1'200'000 && !ended; now += 1'000) ended = playout.tick(now, out);
  TRUE(ended);
  EQUAL(playout.due(), INT64_MAX);
  // 320 samples of the first time, 400 of the second.
  EQUAL(out.packets.size(), 5u);
  EQUAL(out.packets[0][1], 0x88);
  EQUAL(out.payload(4), 80u);
  for (size_t i = 1; i < 5; i++) {
    EQUAL(out.sequence(i), static_cast<uint16_t>(out.sequence(i - 1) + 1));
    EQUAL(out.timestamp(i), out.timestamp(i - 1) + 160);
  }
}

/// Relays 20 ms of audio at a time, and ticks every 5 ms.
struct Relayed {
  Playout playout;
  Collected out;
  uint16_t sequence = 500;
  uint32_t timestamp = 80'000;
  int64_t now = 0;

  void run(int packets) {
    for (int i = 0; i < packets; i++, sequence++, timestamp += 160) {
      Packet packet = rtp(sequence, timestamp, 8, Packet(160, 0x55));
      if (playout.admit(packet.data(), packet.size(), now)) out.packet(packet.data(), packet.size());
      for (int step = 0; step < 4; step++, now += 5'000) playout.tick(now, out);
    }
  }
};

CASE("a clip follows on the numbers of the source whose place it takes, which it waits for") {
  Relayed relayed;
  relayed.sequence = 65'534;
  relayed.playout.play({std::make_shared<const Clip>(480, 0xd5), 8, 160, 1, 0}, relayed.now);
  relayed.now += 30'000;
  relayed.playout.tick(relayed.now, relayed.out);
  TRUE(relayed.out.packets.empty());
  relayed.run(10);
  const Collected& out = relayed.out;
  EQUAL(out.packets.size(), 9u);
  for (size_t i = 0; i < out.packets.size(); i++) {
    // The source itself goes on with the number that it was heard with last.
    EQUAL(out.sequence(i), static_cast<uint16_t>(65'534 + (i < 3 ? i : i - 3)));
    // The clip is a source of its own (RFC 3550 8).
    EQUAL(out.ssrc(i) == 7u, i >= 3);
    EQUAL(out.ssrc(i), i < 3 ? out.ssrc(0) : 7u);
  }
}

CASE("a key is sent as events in the relayed source, its end three times, and speech follows without a gap") {
  Relayed relayed;
  relayed.run(5);
  relayed.playout.press({.event = 9, .volume = 5, .duration = 100, .payload_type = 101}, relayed.now);
  relayed.run(20);
  const Collected& out = relayed.out;
  std::vector<size_t> events;
  for (size_t i = 0; i < out.packets.size(); i++) {
    if ((out.packets[i][1] & 0x7f) == 101) events.push_back(i);
    if (i > 0) EQUAL(out.sequence(i), static_cast<uint16_t>(out.sequence(i - 1) + 1));
    EQUAL(out.ssrc(i), 7u);
  }
  EQUAL(events.size(), 7u);
  EQUAL(out.packets[events[0]][1], 0x80 | 101);
  for (const size_t i : events) EQUAL(out.timestamp(i), out.timestamp(events[0]));
  TelephoneEvent last;
  TRUE(TelephoneEvent::parse(out.packets[events[6]].data() + 12, 4, &last));
  EQUAL(last.end, true);
  EQUAL(last.duration, 800);
  EQUAL(last.volume, 5);
  // The packets of 100 ms were withheld.
  EQUAL(out.packets.size(), 25u - 5 + 7);
}

CASE("keys that wait are sent one after the other, and no more wait than there is room for") {
  Relayed relayed;
  relayed.run(2);
  for (const uint8_t event : {1, 2}) relayed.playout.press({.event = event, .duration = 100, .pause = 100, .payload_type = 101}, relayed.now);
  relayed.run(40);
  std::vector<uint8_t> begun;
  for (const Packet& packet : relayed.out.packets)
    if (packet[1] == (0x80 | 101)) begun.push_back(packet[12]);
  EQUAL(begun == (std::vector<uint8_t>{1, 2}), true);
  size_t taken = 0;
  for (int i = 0; i < 1000; i++) taken += relayed.playout.press({.event = 1}, relayed.now);
  EQUAL(taken, Playout::kMaxDigits + 1);
}

CASE("a key is heard as tones where no events were agreed, also when nobody speaks") {
  Relayed relayed;
  relayed.playout.press({.event = 11, .volume = 8, .duration = 200, .payload_type = 8, .law = Law::kA}, 0);
  for (int64_t now = 0; now < 400'000; now += 5'000) relayed.playout.tick(now, relayed.out);
  std::vector<int16_t> heard;
  for (size_t i = 0; i < 10; i++)
    for (size_t at = 12; at < relayed.out.packets[i].size(); at++) heard.push_back(expand(Law::kA, relayed.out.packets[i][at]));
  EQUAL(heard.size(), 1600u);
  TRUE(share(heard, 941) > 0.45);
  TRUE(share(heard, 1477) > 0.45);
  TRUE(share(heard, 1209) < 0.01);
}

struct File {
  char path[32] = "/tmp/audio-checks-XXXXXX";
  int fd = mkstemp(path);
  ~File() { unlink(path); }
  Packet read() const {
    Packet bytes(1 << 20);
    const int opened = open(path, O_RDONLY);
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(::read(opened, bytes.data(), bytes.size()), 0)));
    close(opened);
    return bytes;
  }
};

RecordedPacket recorded(const Packet& packet, uint8_t track, int64_t time) {
  RecordedPacket result;
  Endpoint::parse("192.0.2.1", 4000, &result.from);
  Endpoint::parse("192.0.2.2", 5000, &result.to);
  result.track = track;
  result.law = packet[1] == 8 ? Law::kA : Law::kMu;
  result.time = time;
  result.length = result.original = static_cast<uint16_t>(packet.size());
  std::copy(packet.begin(), packet.end(), result.data.begin());
  return result;
}

CASE("what two say is mixed at the time at which it was said") {
  File file;
  {
    Recorder recorder;
    auto recording = std::make_shared<WavRecording>(file.fd, 1 << 20, WavRecording::Layout::kStereo);
    recorder.add(recording);
    const int64_t start = wall_microseconds();
    for (int i = 0; i < 10; i++) {
      const auto at = static_cast<uint32_t>(160 * i);
      TRUE(recorder.give(recording, recorded(rtp(static_cast<uint16_t>(i), at, 8, Packet(160, 0xaa)), 0, start + i * 20'000)));
      if (i >= 5) TRUE(recorder.give(recording, recorded(rtp(static_cast<uint16_t>(i), 99'000 + at, 0, Packet(160, 0x00)), 1, start + i * 20'000)));
    }
  }
  const Packet bytes = file.read();
  EQUAL(bytes.size(), 44u + 1600 * 4);
  EQUAL(bytes[40] | bytes[41] << 8, 6400);
  const auto sample = [&](size_t i, size_t channel) { return static_cast<int16_t>(bytes[44 + 4 * i + 2 * channel] | bytes[45 + 4 * i + 2 * channel] << 8); };
  EQUAL(sample(0, 0), 32256);
  EQUAL(sample(0, 1), 0);
  EQUAL(sample(799, 1), 0);
  EQUAL(sample(800, 1), -32124);
  EQUAL(sample(1599, 0), 32256);
}

CASE("a capture has a header for each packet, and stops at its limit") {
  File file;
  {
    Recorder recorder;
    auto recording = std::make_shared<PcapRecording>(file.fd, 24 + 16 + 14 + 28 + 172, PcapRecording::Format::kEthernet);
    recorder.add(recording);
    for (uint16_t i = 0; i < 2; i++) recorder.give(recording, recorded(rtp(i, 0, 0, Packet(160, 1)), 0, 1'500'000));
  }
  const Packet bytes = file.read();
  EQUAL(bytes.size(), 24u + 16 + 14 + 28 + 172);
  EQUAL(bytes[24], 1);
  EQUAL(bytes[24 + 8], 14 + 28 + 172);
  EQUAL(bytes[24 + 16 + 12], 0x08);
  EQUAL(bytes[24 + 16 + 14], 0x45);
}

CASE("a writer that does not keep up loses packets, and nobody waits for it") {
  File file;
  Recorder recorder;
  auto recording = std::make_shared<PcapRecording>(file.fd, UINT64_MAX, PcapRecording::Format::kRaw);
  const RecordedPacket packet = recorded(rtp(0, 0, 0, Packet(160, 1)), 0, 0);
  // Not added: the writer sleeps.
  for (int i = 0; i < 3000; i++) recorder.give(recording, packet);
  EQUAL(recorder.dropped(), 3000u - 2048);
}

}  // namespace
