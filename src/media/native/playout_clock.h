// Owns the times at which streams of a loop have something of their own to send.
#pragma once

#include <cstdint>
#include <vector>

namespace media {

class PacketStream;

/// The loop's thread alone. Times in microseconds.
class PlayoutClock {
 public:
  /// A stream joined the loop, or was told to play something.
  void note(PacketStream* stream);
  void forget(PacketStream* stream);
  /// INT64_MAX: nothing plays.
  int64_t next() const { return next_; }
  /// Sends what is due.
  void run(int64_t now);

 private:
  std::vector<PacketStream*> playing_;  // Borrowed from the loop.
  int64_t next_ = INT64_MAX;
};

}  // namespace media
