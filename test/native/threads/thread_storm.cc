// Owns a storm over the relay's threads without Node, for ThreadSanitizer: streams come, go, are bound and move between
// threads while packets pour in and their numbers are read. usage: thread_storm ROUNDS SEED own|shared; prints what was seen.
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "../../../src/media/native/relay.h"

using namespace media;

namespace {

constexpr const char* kAddress = "127.0.0.13";
constexpr uint16_t kFirstPort = 42000, kLastPort = 42999;
constexpr size_t kMostStreams = 40;
constexpr int kPackets = 20;

class Events : public StreamEvents {
 public:
  explicit Events(std::atomic<uint64_t>& seen) : seen_(seen) {}
  void dtmf(uint32_t, const TelephoneEvent&) override { seen_++; }
  void clip_ended(uint32_t) override { seen_++; }

 private:
  std::atomic<uint64_t>& seen_;
};

class Storm {
 public:
  Storm(Relay::Sockets sockets, uint32_t seed)
      : random_(seed), relay_(3, 1, sockets, [this](uint32_t, StreamEvent) { events_++; }), sender_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    Endpoint::parse(kAddress, 0, &address_);
    if (bind(sender_, &address_.any, address_.size()) != 0) std::abort();
    remote_ = address_;
    socklen_t size = sizeof remote_;
    getsockname(sender_, &remote_.any, &size);
    relay_.listen(std::make_unique<Events>(events_));
    for (auto& identity : identities_) identity = DtlsIdentity::make();
  }
  ~Storm() { close(sender_); }

  void round() {
    if (open_.size() < kMostStreams) {
      Relay::Opened opened{};
      int error = 0;
      if (relay_.open(address_, kFirstPort, kLastPort, 0, &opened, &error) == PortResult::kOk) open_.push_back(opened);
    }
    const Relay::Opened one = any(), other = any();
    if (below(3) == 0) relay_.link(one.id, other.id);
    relay_.configure(one.id, settings(one, other));
    perform(one.id, other.id);
    for (int i = 0; i < kPackets; i++) send(one);
    read(other.id);
    if (below(4) != 0) return;
    end(one.id);
    std::erase_if(open_, [&](const Relay::Opened& each) { return each.id == one.id; });
  }

  void finish() {
    for (const Relay::Opened& each : open_) end(each.id);
    recording_.reset();
    relay_.shutdown();
    std::printf("{\"opened\":%u,\"taken\":%lu,\"checked\":%lu,\"shaken\":%lu,\"events\":%lu}\n", opened_, taken_, checked_, shaken_, events_.load());
  }

 private:
  uint32_t below(uint32_t bound) { return random_() % bound; }
  Relay::Opened any() { return open_[below(static_cast<uint32_t>(open_.size()))]; }

  std::unique_ptr<SrtpContext> key() {
    const CryptoSuite& suite = kCryptoSuites[below(std::size(kCryptoSuites))];
    return below(2) ? std::make_unique<SrtpContext>(suite, std::vector<uint8_t>(suite.master_length(), 7)) : nullptr;
  }

  Conversion conversion() {
    Conversion result;
    result.rules[0] = {PayloadRule::Kind::kTranslate, 8, Law::kMu, Law::kA};
    result.rules[101] = {PayloadRule::Kind::kTone, 0, Law::kNone, Law::kMu};
    result.packet_samples = static_cast<uint16_t>(below(3) * 80);
    return result;
  }

  /// ICE with another stream, DTLS with its certificate: streams of even and odd numbers meet.
  std::unique_ptr<ConnectionSettings> connection(const Relay::Opened& one, const Relay::Opened& other) {
    const char* const ufrags[] = {"even", "oddd"};
    const char* const passwords[] = {"eveneveneveneveneveneven", "oddddddddddddddddddddddd"};
    const uint32_t side = one.id % 2;
    auto result = std::make_unique<ConnectionSettings>();
    result->ice = std::make_unique<IceSettings>();
    result->ice->local_ufrag = ufrags[side];
    result->ice->local_password = passwords[side];
    result->ice->remote_ufrag = ufrags[1 - side];
    result->ice->remote_password = passwords[1 - side];
    result->ice->controlling = side == 0;
    for (uint8_t component = 1; component <= 2; component++) {
      Endpoint candidate = address_;
      candidate.set_port(static_cast<uint16_t>(other.rtp_port + component - 1));
      result->ice->candidates.push_back({component, 1, candidate});
    }
    if (below(3) == 0) return result;
    result->dtls = std::make_unique<DtlsSettings>();
    result->dtls->identity = identities_[side];
    result->dtls->active = side == 0;
    result->dtls->hash = "sha-256";
    result->dtls->fingerprint = identities_[1 - side]->fingerprint("sha-256");
    return result;
  }

  std::unique_ptr<StreamSettings> settings(const Relay::Opened& one, const Relay::Opened& other) {
    auto result = std::make_unique<StreamSettings>();
    result->latching = static_cast<Latching>(below(4));
    result->remote_rtp = result->remote_rtcp = remote_;
    result->learning = 1000;
    result->packet_rate = 5000;
    result->rtcp_mux = below(2);
    result->own_reports = below(2);
    result->pass_stun = below(8) == 0;
    result->timeout = below(2) * 20;
    result->policy.telephone_events.set(101);
    if (below(3) == 0) result->conversion = std::make_unique<Conversion>(conversion());
    if (below(3) == 0) {
      result->connection = connection(one, other);
    } else {
      result->srtp_in = below(4) == 0 ? key() : nullptr;
      result->srtp_out = key();
    }
    return result;
  }

  /// Clips, keys, recordings, copies: begun and ended at any time.
  void perform(uint32_t one, uint32_t other) {
    switch (below(8)) {
      case 0:
        relay_.ask(one, [clip = clip_](PacketStream& stream, int64_t now) { stream.needed_services().playout().play({clip, 0, 80, 1, 0}, now); });
        return;
      case 1:
        relay_.ask(one, [](PacketStream& stream, int64_t now) { stream.needed_services().playout().press({.duration = 40, .pause = 20}, now); });
        return;
      case 2:
        record(one);
        return;
      case 3:
        relay_.ask(one, [recording = recording_](PacketStream& stream, int64_t) {
          if (stream.services()) stream.services()->stop_recording(recording.get());
        });
        return;
      case 4:
        relay_.unsubscribe(other);
        return;
      case 5:
        // What was recorded so far is finished as soon as no stream has it.
        recording_.reset();
        return;
      default:
        relay_.subscribe(one, other, below(2) ? std::make_shared<const Conversion>(conversion()) : nullptr);
    }
  }

  void record(uint32_t id) {
    if (!recording_) {
      recording_ = std::make_shared<PcapRecording>(::open("/dev/null", O_WRONLY | O_CLOEXEC), 1 << 24, PcapRecording::Format::kRaw);
      relay_.recorder().add(recording_);
    }
    recording_->pause(below(8) == 0);
    RecordingTrack track{recording_, &relay_.recorder(), 0, {}, {}};
    relay_.local(id, &track.local[0], &track.local[1]);
    relay_.ask(id, [track](PacketStream& stream, int64_t) { stream.needed_services().record(track); });
  }

  void send(const Relay::Opened& to) {
    uint8_t packet[60];
    for (uint8_t& each : packet) each = static_cast<uint8_t>(random_());
    const uint32_t kind = below(4);
    if (kind == 0) packet[0] &= 63;
    if (kind > 0) packet[0] = 0x80;
    packet[1] = static_cast<uint8_t>(kind == 1 ? 200 : kind == 2 ? 101 : 0);
    if (kind == 1) packet[3] = sizeof packet / 4 - 1, packet[2] = 0;
    packet[8] = packet[9] = packet[10] = 0;
    Endpoint destination = address_;
    destination.set_port(static_cast<uint16_t>(to.rtp_port + (kind == 1)));
    sendto(sender_, packet, sizeof packet, MSG_DONTWAIT, &destination.any, destination.size());
  }

  void end(uint32_t id) {
    const StreamCounters& counters = relay_.find(id)->counters();
    opened_++;
    taken_ += counters.rtp_packets_in.get() + counters.rtcp_packets_in.get();
    checked_ += counters.stun_in.get() - counters.stun_refused.get();
    shaken_ += counters.dtls_in.get();
    relay_.close(id);
  }

  /// As JavaScript reads them.
  void read(uint32_t id) {
    const PacketStream* stream = relay_.find(id);
    if (!stream) return;
    Reception::Sources sources;
    Reports::Blocks blocks;
    stream->reception().sources(&sources);
    stream->reports().blocks(&blocks);
    stream->reports().round_trips();
    stream->learned();
    stream->last_packet();
    relay_.recorder().dropped();
    relay_.recorder().open();
  }

  std::minstd_rand random_;
  std::atomic<uint64_t> events_{0};
  Relay relay_;
  const int sender_;
  Endpoint address_, remote_;
  std::vector<Relay::Opened> open_;
  std::shared_ptr<const DtlsIdentity> identities_[2];
  const std::shared_ptr<const Clip> clip_ = std::make_shared<const Clip>(1600, 0xd5);
  std::shared_ptr<Recording> recording_;
  // Of what was closed.
  uint32_t opened_ = 0;
  uint64_t taken_ = 0, checked_ = 0, shaken_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const auto sockets = arguments[3][0] == 's' ? Relay::Sockets::kShared : Relay::Sockets::kOwn;
  Storm storm(sockets, static_cast<uint32_t>(std::atoi(arguments[2])));
  for (int i = std::atoi(arguments[1]); i > 0; i--) storm.round();
  storm.finish();
}
