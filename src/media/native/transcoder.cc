// Owns the numbers and timestamps of packets that are made of others.
#include "transcoder.h"

#include <algorithm>
#include <cstring>

#include "srtp_context.h"

namespace media {

namespace {

constexpr uint8_t kPadding = 0x20;
constexpr uint8_t kMarker = 0x80;
constexpr size_t kHeader = 12;
/// More than this at once is no speech that continues: a far end whose clock jumps.
constexpr uint32_t kLongestGap = 400 * kSamplesPerMillisecond;

void set_type(uint8_t* data, uint8_t type) { data[1] = static_cast<uint8_t>((data[1] & kMarker) | type); }

/// RFC 3550 5.1: the last byte of padding tells its length. False where that is more than there is.
bool strip_padding(uint8_t* data, size_t header, size_t* length) {
  if (!(data[0] & kPadding)) return true;
  if (*length <= header) return false;
  const size_t padding = data[*length - 1];
  if (padding == 0 || header + padding > *length) return false;
  *length -= padding;
  data[0] &= static_cast<uint8_t>(~kPadding);
  return true;
}

}  // namespace

void Transcoder::convert(uint8_t* data, size_t length, PacketSink& sink) {
  RtpHeader header;
  if (!RtpHeader::parse(data, length, &header)) return;
  if (!any_ || header.ssrc != ssrc_) begin_source(header.ssrc);
  const PayloadRule& rule = conversion_.rules[data[1] & 0x7f];
  if (data[1] & kMarker) marker_ = true;
  switch (rule.kind) {
    case PayloadRule::Kind::kDrop:
      offset_--;
      return;
    case PayloadRule::Kind::kTranslate:
      if (!strip_padding(data, header.size, &length)) return;
      return translate(rule, data, length, header, sink);
    case PayloadRule::Kind::kTone:
      if (!strip_padding(data, header.size, &length)) return;
      return make_audible(rule, data + header.size, length - header.size, header, sink);
    case PayloadRule::Kind::kRenumber:
      set_type(data, rule.to);
      break;
    case PayloadRule::Kind::kPass:
      break;
  }
  write16(data + 2, static_cast<uint16_t>(header.sequence + offset_));
  marker_ = false;
  sink.packet(data, length);
}

void Transcoder::begin_source(uint32_t ssrc) {
  any_ = true;
  ssrc_ = ssrc;
  offset_ = 0;
  filling_ = false;
  pending_count_ = 0;
  tone_.reset();
  tone_timestamp_ = 0;
  tone_done_ = 0;
}

void Transcoder::translate(const PayloadRule& rule, uint8_t* data, size_t length, const RtpHeader& header, PacketSink& sink) {
  const auto& table = translation(rule.from_law, rule.to_law);
  uint8_t* payload = data + header.size;
  const size_t count = length - header.size;
  if (rule.from_law != rule.to_law)
    for (size_t i = 0; i < count; i++) payload[i] = table[payload[i]];
  const bool whole = !filling_ && count == conversion_.packet_samples;
  if (conversion_.packet_samples != 0 && !whole) return repacketise(rule, payload, count, header, sink);
  set_type(data, rule.to);
  write16(data + 2, static_cast<uint16_t>(header.sequence + offset_));
  marker_ = false;
  sink.packet(data, length);
}

void Transcoder::repacketise(const PayloadRule& rule, const uint8_t* payload, size_t count, const RtpHeader& header, PacketSink& sink) {
  const size_t wanted = conversion_.packet_samples;
  uint32_t timestamp = header.timestamp;
  bool given = false;
  const auto give = [&](const uint8_t* samples, size_t many, uint32_t at) {
    // The first packet made has the number of the one that arrived, each further one raises those that follow.
    if (given) offset_++;
    given = true;
    emit(rule.to, at, samples, many, header, sink);
  };
  if (filling_) {
    const uint32_t gap = timestamp - (pending_timestamp_ + static_cast<uint32_t>(pending_count_));
    if (gap > kLongestGap && gap > UINT32_MAX - kLongestGap) return;  // older than what is there: it came late
    if (gap != 0) {
      // What is missing stays missing; what there was of its packet goes as it is.
      if (pending_count_ > 0) give(pending_.data(), pending_count_, pending_timestamp_);
      filling_ = false;
    }
  }
  if (!filling_) {
    filling_ = true;
    pending_count_ = 0;
    pending_timestamp_ = timestamp;
  }
  while (count > 0) {
    const size_t part = std::min(wanted - pending_count_, count);
    std::memcpy(pending_.data() + pending_count_, payload, part);
    pending_count_ += part;
    payload += part;
    count -= part;
    if (pending_count_ < wanted) break;
    give(pending_.data(), wanted, pending_timestamp_);
    pending_timestamp_ += static_cast<uint32_t>(wanted);
    pending_count_ = 0;
  }
  if (pending_count_ == 0) {
    // The next packet may begin anywhere.
    filling_ = false;
  }
  if (!given) offset_--;
}

void Transcoder::make_audible(const PayloadRule& rule, const uint8_t* payload, size_t length, const RtpHeader& header, PacketSink& sink) {
  TelephoneEvent event;
  if (!TelephoneEvent::parse(payload, length, &event) || event.event > TelephoneEvent::kLastKey) {
    offset_--;
    return;
  }
  if (!tone_ || tone_timestamp_ != header.timestamp) {
    tone_.emplace(event.event, event.volume);
    tone_timestamp_ = header.timestamp;
    tone_done_ = 0;
  }
  // RFC 4733 2.5.1.2: a packet tells how long the event has lasted; what sounds is what the packets before it did not tell.
  const size_t count = event.duration > tone_done_ ? std::min<size_t>(event.duration - tone_done_, Conversion::kMaxSamples) : 0;
  if (count == 0) {
    offset_--;
    return;
  }
  std::array<uint8_t, Conversion::kMaxSamples> sound;
  tone_->fill(rule.to_law, sound.data(), count);
  emit(rule.to, header.timestamp + tone_done_, sound.data(), count, header, sink);
  tone_done_ = event.duration;
}

void Transcoder::emit(uint8_t type, uint32_t timestamp, const uint8_t* payload, size_t count, const RtpHeader& header, PacketSink& sink) {
  std::array<uint8_t, kHeader + Conversion::kMaxSamples + SrtpContext::kMaxGrowth> packet;
  packet[0] = 0x80;
  packet[1] = static_cast<uint8_t>((marker_ ? kMarker : 0) | type);
  marker_ = false;
  write16(packet.data() + 2, static_cast<uint16_t>(header.sequence + offset_));
  write32(packet.data() + 4, timestamp);
  write32(packet.data() + 8, header.ssrc);
  std::memcpy(packet.data() + kHeader, payload, count);
  sink.packet(packet.data(), kHeader + count);
}

}  // namespace media
