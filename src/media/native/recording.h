// Owns the files that calls are recorded into: captures of their packets, and what was said, mixed.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "endpoint.h"
#include "g711.h"

namespace media {

/// One packet as the writer gets it. Longer ones are cut, as a capture with a snapshot length cuts them.
struct RecordedPacket {
  static constexpr size_t kMaxData = 1900;

  int64_t time = 0;  // microseconds since 1970
  Endpoint from;
  Endpoint to;
  uint8_t track = 0;
  Law law = Law::kNone;  // of its payload; kNone: no G.711
  bool rtcp = false;
  uint16_t length = 0;    // of data
  uint16_t original = 0;  // before it was cut
  std::array<uint8_t, kMaxData> data;
};

/// A file. Everything but pause is the writer's thread.
class Recording {
 public:
  /// Owned from here on: fd. `limit` in bytes.
  Recording(int fd, uint64_t limit) : fd_(fd), limit_(limit) {}
  virtual ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  virtual void packet(const RecordedPacket& packet) = 0;
  /// Brings the file up to `time` and to the disk; `last` for the last time.
  virtual void flush(int64_t time, bool last) = 0;

  // From any thread.
  void pause(bool paused) { paused_.store(paused, std::memory_order_relaxed); }
  bool paused() const { return paused_.load(std::memory_order_relaxed); }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }

 protected:
  void append(const void* data, size_t length);
  void write_out();
  /// Writes over the beginning of the file.
  void overwrite(const void* data, size_t length);
  uint64_t size() const { return written_ + buffer_.size(); }
  bool gathered() const { return !buffer_.empty(); }

 private:
  static constexpr size_t kBuffer = 1 << 16;

  const int fd_;
  const uint64_t limit_;
  uint64_t written_ = 0;
  std::vector<uint8_t> buffer_;
  std::atomic<bool> paused_{false};
  std::atomic<bool> failed_{false};  // the disk is full, or the limit was met: nothing more is written
};

/// A classic pcap file of IP packets, in Ethernet frames where asked.
class PcapRecording : public Recording {
 public:
  enum class Format : uint8_t { kRaw, kEthernet };
  PcapRecording(int fd, uint64_t limit, Format format);
  void packet(const RecordedPacket& packet) override;
  void flush(int64_t time, bool last) override;

 private:
  const Format format_;
  int64_t flushed_ = 0;
};

/// A WAV file of 16 bits and 8 kHz: both tracks in one channel, or each in its own.
class WavRecording : public Recording {
 public:
  enum class Layout : uint8_t { kMono, kStereo };
  static constexpr size_t kTracks = 2;
  WavRecording(int fd, uint64_t limit, Layout layout);
  void packet(const RecordedPacket& packet) override;
  void flush(int64_t time, bool last) override;

 private:
  /// Samples that may still change: what arrives later than this after its time is left out.
  static constexpr int64_t kWindow = 2 * 1000 * kSamplesPerMillisecond;
  /// How far a track's own clock may leave the time of arrival before it is set anew.
  static constexpr int64_t kDrift = 300 * kSamplesPerMillisecond;

  struct Track {
    bool any = false;
    uint32_t ssrc = 0;
    uint32_t timestamp = 0;  // of the packet that has `position`
    int64_t position = 0;
    std::vector<int16_t> samples;  // from done_ on
  };

  void write_header();
  void settle(int64_t until);

  const Layout layout_;
  std::array<Track, kTracks> tracks_;
  int64_t began_ = 0;  // microseconds
  int64_t done_ = 0;   // samples written of each track
};

}  // namespace media
