// Owns what becomes of the payload of packets on their way from one far end to the other: renumbered, its law changed, cut
// into packets of another length, telephone events made audible.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dtmf_tone.h"
#include "g711.h"
#include "rtp.h"
#include "telephone_event.h"

namespace media {

/// Takes packets in the clear. `data` has room for what SRTP adds, and may be changed.
class PacketSink {
 public:
  virtual void packet(uint8_t* data, size_t length) = 0;

 protected:
  ~PacketSink() = default;
};

/// What is done with one payload type.
struct PayloadRule {
  enum class Kind : uint8_t {
    kPass,
    kRenumber,
    kTranslate,  // G.711 of one law into the other, or into the same in packets of another length
    kTone,       // a telephone event becomes the sound of its key
    kDrop,
  };
  Kind kind = Kind::kPass;
  uint8_t to = 0;
  Law from_law = Law::kNone;
  Law to_law = Law::kNone;

  bool operator==(const PayloadRule&) const = default;
};

struct Conversion {
  /// The longest packet that is made: 200 ms.
  static constexpr uint16_t kMaxSamples = 200 * kSamplesPerMillisecond;

  std::array<PayloadRule, 128> rules;
  uint16_t packet_samples = 0;  // 0: packets stay as long as they are

  bool operator==(const Conversion&) const = default;
};

/// Keeps numbers without a gap where packets become fewer or more: what is consumed lowers the numbers of what comes
/// after, what is added raises them. Numbers missing in what arrives stay missing.
class Transcoder {
 public:
  explicit Transcoder(const Conversion& conversion) : conversion_(conversion) {}

  const Conversion& conversion() const { return conversion_; }

  /// An RTP packet whose header was found good. Changes it in place, and gives none, it, or others to `sink`.
  void convert(uint8_t* data, size_t length, PacketSink& sink);

 private:
  void translate(const PayloadRule& rule, uint8_t* data, size_t length, const RtpHeader& header, PacketSink& sink);
  void repacketise(const PayloadRule& rule, const uint8_t* payload, size_t count, const RtpHeader& header, PacketSink& sink);
  void make_audible(const PayloadRule& rule, const uint8_t* payload, size_t length, const RtpHeader& header, PacketSink& sink);
  void emit(uint8_t type, uint32_t timestamp, const uint8_t* payload, size_t count, const RtpHeader& header, PacketSink& sink);
  void begin_source(uint32_t ssrc);

  const Conversion conversion_;
  bool any_ = false;
  uint32_t ssrc_ = 0;
  uint16_t offset_ = 0;  // added to the numbers that arrive
  bool marker_ = false;  // for the next packet made

  // The packet that is filling.
  std::array<uint8_t, Conversion::kMaxSamples> pending_;
  size_t pending_count_ = 0;
  uint32_t pending_timestamp_ = 0;
  bool filling_ = false;

  // The event that sounds.
  std::optional<DtmfTone> tone_;
  uint32_t tone_timestamp_ = 0;
  uint16_t tone_done_ = 0;
};

}  // namespace media
