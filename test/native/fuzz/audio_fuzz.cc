// Owns the fuzzing of what is done with payloads: conversion, packets of another length, playout, copies, the mix of a recording.
#include <fcntl.h>
#include <unistd.h>

#include "stream_pair.h"
#include "../../../src/media/native/recording.h"

namespace {

/// Counts what leaves, and looks at every byte of it.
struct Listener : media::PacketSink {
  size_t packets = 0;
  uint32_t sum = 0;
  void packet(uint8_t* data, size_t length) override {
    media::RtpHeader header;
    fuzz::require(media::RtpHeader::parse(data, length, &header));
    for (size_t i = 0; i < length; i++) sum += data[i];
    packets++;
  }
};

media::Conversion conversion(fuzz::Input& input) {
  media::Conversion result;
  result.packet_samples = static_cast<uint16_t>(input.byte() % 21 * 80);
  for (int rules = input.byte() % 8; rules > 0; rules--) {
    const uint8_t choice = input.byte();
    const auto law = [choice](int bit) { return choice >> bit & 1 ? media::Law::kA : media::Law::kMu; };
    result.rules[choice & 0x7f] = {static_cast<media::PayloadRule::Kind>(choice % 5), static_cast<uint8_t>(input.byte() & 0x7f), law(5), law(6)};
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  media::Transcoder transcoder(conversion(input));
  media::Playout playout;
  Listener listener;
  media::WavRecording recording(open("/dev/null", O_WRONLY), 1 << 20, media::WavRecording::Layout::kMono);
  int64_t now = 1'000'000;
  while (input.more()) {
    const uint8_t how = input.byte();
    now += how * 1000;
    if (how % 16 == 0) playout.press({.event = static_cast<uint8_t>(how >> 4), .duration = how, .law = how & 32 ? media::Law::kA : media::Law::kNone}, now);
    if (how % 32 == 1) playout.play({std::make_shared<const media::Clip>(how * 8, 0xd5), 8, 160, how % 3u, how}, now);
    const auto given = input.bytes();
    media::RtpHeader header;
    if (media::RtpHeader::parse(given.data(), given.size(), &header)) {
      media::RecordedPacket packet;
      packet.time = now;
      packet.track = how & 3;
      packet.law = how & 4 ? media::Law::kA : media::Law::kMu;
      packet.length = packet.original = static_cast<uint16_t>(std::min(given.size(), media::RecordedPacket::kMaxData));
      std::copy_n(given.begin(), packet.length, packet.data.begin());
      recording.packet(packet);
      std::vector<uint8_t> copy(given.begin(), given.end());
      copy.resize(given.size() + media::SrtpContext::kMaxGrowth);
      playout.admit(copy.data(), given.size(), now);
      transcoder.convert(copy.data(), given.size(), listener);
    }
    playout.tick(now, listener);
    recording.flush(now, false);
  }
  recording.flush(now, true);
  return 0;
}
