// Owns the times at which streams of a loop have something of their own to send.
#pragma once

#include <cstdint>
#include <vector>

namespace media {

class PacketStream;

/// One for each kind of thing that is sent so. The loop's thread alone. Times in microseconds.
class DueClock {
 public:
  /// When the stream is next due; INT64_MAX: never.
  using Due = int64_t (*)(const PacketStream& stream);
  using Act = void (*)(PacketStream& stream, int64_t now);

  /// Nothing is looked at again before `rest` is over, so that many streams cost one look, not one each.
  DueClock(Due due, Act act, int64_t rest) : due_(due), act_(act), rest_(rest) {}

  /// A stream joined the loop, or was told of something to send.
  void note(PacketStream* stream);
  void forget(PacketStream* stream);
  /// INT64_MAX: nobody is due.
  int64_t next() const { return next_; }
  /// Has sent what is due.
  void run(int64_t now);

 private:
  const Due due_;
  const Act act_;
  const int64_t rest_;
  std::vector<PacketStream*> waiting_;  // Borrowed from the loop.
  int64_t next_ = INT64_MAX;
};

}  // namespace media
