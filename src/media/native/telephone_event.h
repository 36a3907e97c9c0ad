// Owns telephone events (RFC 4733): their payload, and where one ends among the packets that repeat it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rtp.h"

namespace media {

/// RFC 4733 2.3
struct TelephoneEvent {
  static constexpr size_t kSize = 4;
  /// RFC 4733 3.2: 0 to 9, *, #, A to D. What comes after is no key.
  static constexpr uint8_t kLastKey = 15;

  uint8_t event = 0;
  bool end = false;
  uint8_t volume = 0;     // dBm0 with the sign dropped, 0 to 63
  uint16_t duration = 0;  // timestamp units

  static bool parse(const uint8_t* payload, size_t length, TelephoneEvent* out) {
    if (length < kSize) return false;
    *out = {payload[0], (payload[1] & 0x80) != 0, static_cast<uint8_t>(payload[1] & 0x3f), read16(payload + 2)};
    return true;
  }
  void write(uint8_t* payload) const {
    payload[0] = event;
    payload[1] = static_cast<uint8_t>((end ? 0x80 : 0) | volume);
    write16(payload + 2, duration);
  }
};

/// What a stream tells of while packets come. Called by its loop; must not block.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  /// A key was released.
  virtual void dtmf(uint32_t stream, const TelephoneEvent& event) = 0;
  /// A clip came to its end by itself.
  virtual void clip_ended(uint32_t stream) = 0;
};

class EventDetector {
 public:
  struct Outcome {
    bool began = false;
    size_t count = 0;
    std::array<TelephoneEvent, 2> ended;  // the first `count`
  };

  /// RFC 4733 2.5.1.2: all packets of an event have its timestamp, also the three that tell its end, of which one counts.
  /// An event whose end was lost ends where the next one begins. `now` in microseconds.
  Outcome heard(const RtpHeader& header, const TelephoneEvent& packet, int64_t now);

 private:
  bool any_ = false;
  bool told_ = true;
  uint32_t timestamp_ = 0;
  uint32_t ssrc_ = 0;
  TelephoneEvent last_;
  int64_t second_ = 0;  // the beginning of the second that told_in_second_ counts in
  int told_in_second_ = 0;
};

}  // namespace media
