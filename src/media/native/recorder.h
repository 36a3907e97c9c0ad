// Owns the thread that writes recordings, and the bounded way there: a packet is copied and never waits.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "recording.h"

namespace media {

class Recorder {
 public:
  Recorder();
  /// Finishes what is open.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Writes to it until nobody else holds it.
  void add(std::shared_ptr<Recording> recording);
  /// From any loop. False, and counted, when the writer does not keep up.
  bool give(const std::shared_ptr<Recording>& recording, const RecordedPacket& packet);

  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  size_t open() const;

 private:
  static constexpr size_t kSlots = 2048;

  /// A place in a ring with several writers and one reader; `turn` says whose it is.
  struct Slot {
    std::atomic<size_t> turn;
    std::shared_ptr<Recording> recording;
    RecordedPacket packet;
  };

  void run();
  size_t drain();
  void finish_abandoned(bool all);

  std::unique_ptr<Slot[]> slots_;
  std::atomic<size_t> head_{0};  // next to be written
  size_t tail_ = 0;              // next to be read
  std::atomic<uint64_t> dropped_{0};
  mutable std::mutex mutex_;  // of recordings_ and stopping_; never taken by a loop
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Recording>> recordings_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Microseconds since 1970, which recordings go by.
int64_t wall_microseconds();

}  // namespace media
