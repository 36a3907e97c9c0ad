// Owns what a far end is sent besides what the other one says: clips, and keys that somebody else pressed for it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "transcoder.h"

namespace media {

/// Code words of one law, shared by everyone who hears them.
using Clip = std::vector<uint8_t>;

struct ClipOrder {
  std::shared_ptr<const Clip> clip;
  uint8_t payload_type = 0;
  uint16_t packet_samples = 160;
  uint32_t times = 1;  // 0: for ever
  size_t start = 0;    // samples left out the first time
};

struct DigitOrder {
  uint8_t event = 0;
  uint8_t volume = 8;
  uint16_t duration = 250;  // milliseconds
  uint16_t pause = 100;     // milliseconds after it
  uint8_t payload_type = 0;
  Law law = Law::kNone;        // kNone: telephone events, else the sound
  uint32_t clock_rate = 8000;  // of the audio and its events
};

/// Everything is called by the loop of the stream that packets leave by. Times in microseconds.
class Playout {
 public:
  static constexpr size_t kMaxDigits = 64;

  /// Takes the place of a clip that is playing.
  void play(ClipOrder order, int64_t now);
  void stop() { clip_.reset(); }
  /// False when too many wait already.
  bool press(const DigitOrder& order, int64_t now);

  /// A packet of the other far end that is about to leave. False: it is withheld, because something else is heard. Else its
  /// number follows on what was sent.
  bool admit(uint8_t* data, size_t length, int64_t now);

  /// When tick() has something to do; INT64_MAX: never.
  int64_t due() const;
  /// True when a clip has come to its end.
  bool tick(int64_t now, PacketSink& sink);

  bool playing() const { return clip_.has_value(); }

 private:
  struct Playing {
    ClipOrder order;
    size_t position;
    uint32_t ssrc;
    uint32_t timestamp;
    uint16_t sequence;
    bool first;
    int64_t due;
    int64_t patience;  // how long it waits for a packet to follow on
  };
  struct Pressing {
    enum class Phase : uint8_t { kWaiting, kSounding, kPause };
    DigitOrder order;
    Phase phase;
    uint32_t elapsed;  // milliseconds in this phase
    uint32_t timestamp;
    std::optional<DtmfTone> tone;
    int64_t due;
    int64_t patience;  // how long it waits for a packet to follow on
  };

  bool tick_clip(int64_t now, PacketSink& sink);
  void tick_digit(int64_t now, PacketSink& sink);
  void begin_digit(int64_t now);
  void sound(PacketSink& sink);
  void tell_event(PacketSink& sink);
  void send(uint8_t type, bool marker, uint32_t timestamp, const uint8_t* payload, size_t count, PacketSink& sink);
  bool in(Pressing::Phase phase) const { return pressing_ && pressing_->phase == phase; }
  bool waiting() const { return in(Pressing::Phase::kWaiting); }
  /// Between keys that are heard there is silence; between events, what the other far end says.
  bool sounding() const { return in(Pressing::Phase::kSounding) || (in(Pressing::Phase::kPause) && pressing_->order.law != Law::kNone); }

  std::optional<Playing> clip_;
  std::deque<DigitOrder> digits_;
  std::optional<Pressing> pressing_;

  // What was sent last, of the relayed source and of keys, which are of one source (RFC 4733 2.1).
  bool any_ = false;
  bool withheld_ = false;  // packets were withheld: the numbers are to be joined anew
  uint32_t ssrc_ = 0;
  uint16_t sequence_ = 0;
  uint32_t timestamp_ = 0;
  int64_t time_ = 0;
  uint16_t offset_ = 0;
};

}  // namespace media
