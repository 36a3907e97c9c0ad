// Owns the fuzzing of SRTP and SRTCP under every suite: forged packets never pass, what was protected reads as it was.
#include <cstring>

#include "stream_pair.h"

namespace {

using media::SrtpContext;
using media::SrtpResult;

std::unique_ptr<SrtpContext> context(const media::CryptoSuite& suite, uint8_t seed, size_t mki_length) {
  const std::vector<uint8_t> master(suite.master_length(), seed), mki(mki_length, seed);
  return std::make_unique<SrtpContext>(suite, master, mki);
}

using Operation = SrtpResult (SrtpContext::*)(uint8_t*, size_t*);

void round_trip(SrtpContext& out, SrtpContext& in, Operation protect, Operation unprotect, const std::vector<uint8_t>& plain) {
  std::vector<uint8_t> packet = plain;
  packet.resize(plain.size() + SrtpContext::kMaxGrowth);
  packet.shrink_to_fit();
  size_t length = plain.size();
  if ((out.*protect)(packet.data(), &length) != SrtpResult::kOk) return;
  fuzz::require(length > plain.size() && length <= packet.size());
  std::vector<uint8_t> again = packet;
  size_t again_length = length;
  if ((in.*unprotect)(packet.data(), &length) != SrtpResult::kOk) return;
  fuzz::require(length == plain.size() && std::memcmp(packet.data(), plain.data(), length) == 0);
  fuzz::require((in.*unprotect)(again.data(), &again_length) == SrtpResult::kReplay);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const uint8_t choice = input.byte();
  const media::CryptoSuite& suite = media::kCryptoSuites[choice % std::size(media::kCryptoSuites)];
  const size_t mki_length = choice & 0x80 ? 1 + (input.byte() & 0x7f) : 0;

  // A stream with keys: nothing that a stranger makes gets through.
  fuzz::StreamPair pair;
  auto settings = fuzz::StreamPair::settings(input);
  settings->passthrough = false;
  settings->srtp_in = context(suite, 1, mki_length);
  pair.a.configure(std::move(settings), 0);
  auto secured = fuzz::StreamPair::settings(input);
  secured->srtp_out = context(suite, 2, mki_length);
  pair.b.configure(std::move(secured), 0);

  // The same bytes in the clear, through a context and back.
  const auto out = context(suite, 3, mki_length), in = context(suite, 3, mki_length);
  while (input.more()) {
    const uint8_t how = input.byte();
    const std::vector<uint8_t> packet = input.bytes();
    round_trip(*out, *in, &SrtpContext::protect_rtp, &SrtpContext::unprotect_rtp, packet);
    round_trip(*out, *in, &SrtpContext::protect_rtcp, &SrtpContext::unprotect_rtcp, packet);
    pair.give(how & 8 ? media::PacketStream::kRtcp : media::PacketStream::kRtp, packet, how, how * 1000);
  }
  const media::StreamCounters& counters = pair.a.counters();
  fuzz::require(counters.rtp_packets_in.get() == 0 && counters.rtcp_packets_in.get() == 0 && counters.relearned.get() == 0);
  return 0;
}
