// Owns the round of streams that are due.
#include "due_clock.h"

#include <algorithm>

namespace media {

void DueClock::note(PacketStream* stream) {
  const int64_t at = due_(*stream);
  if (at == INT64_MAX) return;
  if (std::find(waiting_.begin(), waiting_.end(), stream) == waiting_.end()) waiting_.push_back(stream);
  next_ = std::min(next_, at);
}

void DueClock::forget(PacketStream* stream) {
  if (next_ != INT64_MAX) std::erase(waiting_, stream);
}

void DueClock::run(int64_t now) {
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < waiting_.size();) {
    PacketStream& stream = *waiting_[i];
    if (due_(stream) <= now) act_(stream, now);
    const int64_t at = due_(stream);
    if (at == INT64_MAX) {
      waiting_[i] = waiting_.back();
      waiting_.pop_back();
      continue;
    }
    next = std::min(next, at);
    i++;
  }
  next_ = next == INT64_MAX ? next : std::max(next, now + rest_);
}

}  // namespace media
