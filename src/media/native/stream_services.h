// Owns what is done with a stream's packets besides passing them on: conversion, copies, recording, playout, reports. A stream
// without any of it has none, and its packets ask for no more than that.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "playout.h"
#include "recorder.h"
#include "report_writer.h"
#include "transcoder.h"

namespace media {

class PacketStream;

/// Where a stream's packets are recorded.
struct RecordingTrack {
  std::shared_ptr<Recording> recording;
  Recorder* recorder;  // Borrowed from the relay, which outlives its loops.
  uint8_t track;
  Endpoint local[2];   // of RTP and RTCP
  std::array<Law, 128> laws{};  // of payload types
};

class StreamServices {
 public:
  static constexpr size_t kMaxSubscribers = 16;

  // Packets that arrived from the far end and were found good.
  void heard(bool rtcp, const uint8_t* data, size_t length, const Endpoint& source, int64_t now);
  /// RTP that leaves for it, in the clear.
  void departing(const uint8_t* data, size_t length, uint32_t clock_rate, int64_t now) {
    if (reports_) reports_->sent(data, length, clock_rate, now);
  }
  void convert(uint8_t* data, size_t length, PacketSink& sink);
  bool converts() const { return transcoder_ != nullptr; }

  /// The same conversion again goes on where it was.
  void set_conversion(std::unique_ptr<Conversion> conversion);

  /// Whether the far end gets reports of the relay's own; nothing of the other side's then. Microseconds.
  void report(bool wanted, int64_t now);
  /// nullptr where it gets none.
  ReportWriter* reports() const { return reports_.get(); }

  void record(RecordingTrack track) { tracks_.push_back(std::move(track)); }
  void stop_recording(const Recording* recording);

  /// A copy of what arrives at `source` leaves by `sink`, with the keys of that. Nothing happens where there are too many.
  static void subscribe(PacketStream& source, PacketStream& sink, const Conversion* conversion);
  static void unsubscribe(PacketStream& sink);
  /// `self`, whose services these are, leaves the loop: nobody is left with a pointer to it.
  void part(PacketStream& self);

  Playout& playout();
  /// nullptr where nothing was ever played.
  Playout* played() const { return playout_.get(); }

  bool idle() const { return !transcoder_ && subscribers_.empty() && !source_ && tracks_.empty() && !playout_ && !reports_; }

 private:
  struct Subscriber {
    PacketStream* sink;  // Borrowed: in the same loop, unsubscribed before it goes.
    std::unique_ptr<Transcoder> transcoder;
  };

  std::unique_ptr<Transcoder> transcoder_;
  std::unique_ptr<Playout> playout_;
  std::unique_ptr<ReportWriter> reports_;
  std::vector<Subscriber> subscribers_;
  PacketStream* source_ = nullptr;  // Borrowed likewise: whose packets leave here as copies.
  std::vector<RecordingTrack> tracks_;
};

/// Sends packets out of a stream, as its playout admits.
class Departure : public PacketSink {
 public:
  enum class Admission : uint8_t { kRelayed, kOwn };
  Departure(PacketStream& stream, Admission admission, int64_t now) : stream_(stream), admission_(admission), now_(now) {}
  void packet(uint8_t* data, size_t length) override;

 private:
  PacketStream& stream_;
  const Admission admission_;
  const int64_t now_;
};

}  // namespace media
