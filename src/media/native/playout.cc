// Owns the timing of packets that nobody sent.
#include "playout.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "srtp_context.h"

namespace media {

namespace {

constexpr size_t kHeader = 12;
constexpr uint8_t kMarker = 0x80;
/// RFC 4733 2.5.1.2: how often the state of an event is told; a packet of audio lasts as long.
constexpr uint32_t kStep = 20;
constexpr int64_t kStepMicroseconds = kStep * 1000;
/// RFC 4733 2.5.1.4: the end of an event is told three times.
constexpr int kEnds = 3;
/// How long a key, and a clip, wait for a packet to follow on where none was seen.
constexpr int64_t kWait = 60'000;
constexpr int64_t kWaitStep = 5'000;
/// A source that was silent for longer is not waited for.
constexpr int64_t kRecent = 200'000;
/// A loop that was held up for longer does not make up for it.
constexpr int64_t kLate = 200'000;

uint32_t random32() {
  // RFC 3550 5.1: SSRC, timestamp, and a number that follows on nothing begin at random.
  static thread_local std::mt19937 engine{std::random_device{}()};
  return engine();
}

int64_t next_due(int64_t due, int64_t step, int64_t now) { return due + step < now - kLate ? now + step : due + step; }

}  // namespace

void Playout::play(ClipOrder order, int64_t now) {
  const size_t start = order.clip->empty() ? 0 : std::min(order.start, order.clip->size());
  clip_ = Playing{std::move(order), start, random32(), random32(), static_cast<uint16_t>(random32()), true, now, now + kWait};
}

bool Playout::press(const DigitOrder& order, int64_t now) {
  if (digits_.size() >= kMaxDigits) return false;
  digits_.push_back(order);
  if (!pressing_) begin_digit(now);
  return true;
}

int64_t Playout::due() const {
  int64_t result = INT64_MAX;
  if (clip_) result = clip_->due;
  if (pressing_) result = std::min(result, pressing_->due);
  return result;
}

bool Playout::admit(uint8_t* data, size_t length, int64_t now) {
  RtpHeader header;
  if (!RtpHeader::parse(data, length, &header)) return true;
  if (!any_ || header.ssrc != ssrc_) {
    // Its own numbers go on as they are. Where it takes a place that keys had, they are its first.
    any_ = true;
    ssrc_ = header.ssrc;
    offset_ = 0;
    sequence_ = static_cast<uint16_t>(header.sequence - 1);
    withheld_ = false;
  }
  if (!sounding()) {
    timestamp_ = header.timestamp;
    time_ = now;
  }
  if (clip_ || sounding() || waiting()) {
    withheld_ = true;
    return false;
  }
  if (withheld_) {
    offset_ = static_cast<uint16_t>(sequence_ + 1 - header.sequence);
    withheld_ = false;
    data[1] |= kMarker;
  }
  const auto number = static_cast<uint16_t>(header.sequence + offset_);
  write16(data + 2, number);
  if (static_cast<int16_t>(number - sequence_) > 0) sequence_ = number;
  return true;
}

bool Playout::tick(int64_t now, PacketSink& sink) {
  if (pressing_ && pressing_->due <= now) tick_digit(now, sink);
  return clip_ && clip_->due <= now && tick_clip(now, sink);
}

bool Playout::tick_clip(int64_t now, PacketSink& sink) {
  Playing& playing = *clip_;
  const Clip& clip = *playing.order.clip;
  // A source of its own (RFC 3550 8) whose numbers would lie before those of the source that was heard is late to a phone
  // that measures both by one buffer, and silent.
  if (playing.first) {
    if (!any_ && now < playing.patience) {
      playing.due = now + kWaitStep;
      return false;
    }
    if (any_) playing.sequence = static_cast<uint16_t>(sequence_ + 1);
  }
  if (playing.position >= clip.size()) {
    if (clip.empty() || playing.order.times == 1) {
      clip_.reset();
      return true;
    }
    if (playing.order.times > 1) playing.order.times--;
    playing.position = 0;
  }
  const size_t count = std::min<size_t>(playing.order.packet_samples, clip.size() - playing.position);
  std::array<uint8_t, kHeader + Conversion::kMaxSamples + SrtpContext::kMaxGrowth> packet;
  packet[0] = 0x80;
  packet[1] = static_cast<uint8_t>((playing.first ? kMarker : 0) | playing.order.payload_type);
  write16(packet.data() + 2, playing.sequence++);
  write32(packet.data() + 4, playing.timestamp);
  write32(packet.data() + 8, playing.ssrc);
  std::memcpy(packet.data() + kHeader, clip.data() + playing.position, count);
  playing.first = false;
  playing.position += count;
  playing.timestamp += static_cast<uint32_t>(count);
  playing.due = next_due(playing.due, static_cast<int64_t>(count) * 1000 / kSamplesPerMillisecond, now);
  sink.packet(packet.data(), kHeader + count);
  return false;
}

void Playout::begin_digit(int64_t now) {
  pressing_.reset();
  if (digits_.empty()) return;
  pressing_ = Pressing{digits_.front(), Pressing::Phase::kWaiting, 0, 0, std::nullopt, now, now + kWait};
  digits_.pop_front();
}

void Playout::tick_digit(int64_t now, PacketSink& sink) {
  Pressing& pressing = *pressing_;
  if (pressing.phase == Pressing::Phase::kWaiting) {
    if (!(any_ && now - time_ < kRecent) && now < pressing.patience) {
      pressing.due = now + kWaitStep;
      return;
    }
    if (!any_) {
      any_ = true;
      ssrc_ = random32();
      sequence_ = static_cast<uint16_t>(random32());
      timestamp_ = random32();
      time_ = now;
    }
    const auto since = static_cast<uint32_t>((now - time_) / 1000 * (pressing.order.clock_rate / 1000));
    pressing.timestamp = timestamp_ + since;
    if (pressing.order.law != Law::kNone) pressing.tone.emplace(pressing.order.event, pressing.order.volume);
    pressing.phase = Pressing::Phase::kSounding;
    withheld_ = true;
    timestamp_ = pressing.timestamp;
    time_ = now;
  }
  if (pressing.phase == Pressing::Phase::kPause && pressing.elapsed >= pressing.order.pause) return begin_digit(now);
  pressing.elapsed += kStep;
  if (pressing.order.law != Law::kNone) {
    sound(sink);
    timestamp_ = pressing.timestamp;
    time_ = now;
  } else if (pressing.phase == Pressing::Phase::kSounding) {
    tell_event(sink);
  }
  if (pressing.phase == Pressing::Phase::kSounding && pressing.elapsed >= pressing.order.duration) {
    pressing.phase = Pressing::Phase::kPause;
    pressing.elapsed = 0;
  }
  pressing.due = next_due(pressing.due, kStepMicroseconds, now);
}

void Playout::sound(PacketSink& sink) {
  Pressing& pressing = *pressing_;
  constexpr size_t kCount = kStep * kSamplesPerMillisecond;
  std::array<uint8_t, kCount> samples;
  if (pressing.phase == Pressing::Phase::kSounding) {
    pressing.tone->fill(pressing.order.law, samples.data(), kCount);
  } else {
    samples.fill(silence(pressing.order.law));
  }
  send(pressing.order.payload_type, false, pressing.timestamp, samples.data(), kCount, sink);
  pressing.timestamp += kCount;
}

void Playout::tell_event(PacketSink& sink) {
  const Pressing& pressing = *pressing_;
  const DigitOrder& order = pressing.order;
  const uint32_t lasted = std::min<uint32_t>(pressing.elapsed, order.duration);
  TelephoneEvent event{order.event, pressing.elapsed >= order.duration, order.volume,
                       static_cast<uint16_t>(std::min<uint32_t>(lasted * (order.clock_rate / 1000), UINT16_MAX))};
  uint8_t payload[TelephoneEvent::kSize];
  event.write(payload);
  for (int i = 0; i < (event.end ? kEnds : 1); i++)
    send(order.payload_type, pressing.elapsed == kStep && i == 0, pressing.timestamp, payload, sizeof payload, sink);
}

void Playout::send(uint8_t type, bool marker, uint32_t timestamp, const uint8_t* payload, size_t count, PacketSink& sink) {
  std::array<uint8_t, kHeader + Conversion::kMaxSamples + SrtpContext::kMaxGrowth> packet;
  packet[0] = 0x80;
  packet[1] = static_cast<uint8_t>((marker ? kMarker : 0) | type);
  write16(packet.data() + 2, ++sequence_);
  write32(packet.data() + 4, timestamp);
  write32(packet.data() + 8, ssrc_);
  std::memcpy(packet.data() + kHeader, payload, count);
  sink.packet(packet.data(), kHeader + count);
}

}  // namespace media
