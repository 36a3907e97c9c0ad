// Owns the copies of packets.
#include "stream_services.h"

#include <algorithm>
#include <cstring>

#include "packet_stream.h"

namespace media {

void Departure::packet(uint8_t* data, size_t length) {
  const StreamServices* services = stream_.services();
  if (admission_ == Admission::kRelayed && services && services->played() && !services->played()->admit(data, length, now_)) return;
  stream_.depart(data, length, now_);
}

void StreamServices::heard(bool rtcp, const uint8_t* data, size_t length, const Endpoint& source, int64_t now) {
  if (!tracks_.empty()) {
    RecordedPacket packet;
    packet.time = wall_microseconds();
    packet.from = source;
    packet.rtcp = rtcp;
    packet.original = static_cast<uint16_t>(length);
    packet.length = static_cast<uint16_t>(std::min(length, RecordedPacket::kMaxData));
    std::memcpy(packet.data.data(), data, packet.length);
    for (const RecordingTrack& track : tracks_) {
      if (track.recording->paused() || track.recording->failed()) continue;
      packet.to = track.local[rtcp ? 1 : 0];
      packet.track = track.track;
      packet.law = rtcp ? Law::kNone : track.laws[data[1] & 0x7f];
      track.recorder->give(track.recording, packet);
    }
  }
  if (rtcp && reports_) reports_->heard(data, length, now);
  if (rtcp || subscribers_.empty()) return;
  for (const Subscriber& subscriber : subscribers_) {
    std::array<uint8_t, kPacketBuffer> copy;
    std::memcpy(copy.data(), data, length);
    Departure sink(*subscriber.sink, Departure::Admission::kRelayed, now);
    if (subscriber.transcoder) {
      subscriber.transcoder->convert(copy.data(), length, sink);
    } else {
      sink.packet(copy.data(), length);
    }
  }
}

void StreamServices::convert(uint8_t* data, size_t length, PacketSink& sink) { transcoder_->convert(data, length, sink); }

void StreamServices::set_conversion(std::unique_ptr<Conversion> conversion) {
  if (!conversion) return transcoder_.reset();
  if (transcoder_ && transcoder_->conversion() == *conversion) return;
  transcoder_ = std::make_unique<Transcoder>(*conversion);
}

void StreamServices::report(bool wanted, int64_t now) {
  if (!wanted) return reports_.reset();
  if (!reports_) reports_ = std::make_unique<ReportWriter>(now);
}

void StreamServices::stop_recording(const Recording* recording) {
  std::erase_if(tracks_, [recording](const RecordingTrack& track) { return track.recording.get() == recording; });
}

void StreamServices::subscribe(PacketStream& source, PacketStream& sink, const Conversion* conversion) {
  unsubscribe(sink);
  std::vector<Subscriber>& subscribers = source.needed_services().subscribers_;
  if (&source == &sink || subscribers.size() >= kMaxSubscribers) return;
  subscribers.push_back({&sink, conversion ? std::make_unique<Transcoder>(*conversion) : nullptr});
  sink.needed_services().source_ = &source;
}

void StreamServices::unsubscribe(PacketStream& sink) {
  PacketStream* source = sink.services() ? sink.services()->source_ : nullptr;
  if (!source) return;
  std::erase_if(source->services()->subscribers_, [&sink](const Subscriber& each) { return each.sink == &sink; });
  sink.services()->source_ = nullptr;
}

void StreamServices::part(PacketStream& self) {
  unsubscribe(self);
  for (const Subscriber& subscriber : subscribers_) subscriber.sink->services()->source_ = nullptr;
  subscribers_.clear();
}

Playout& StreamServices::playout() {
  if (!playout_) playout_ = std::make_unique<Playout>();
  return *playout_;
}

}  // namespace media
