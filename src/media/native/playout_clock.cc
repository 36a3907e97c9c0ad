// Owns the round of streams that play.
#include "playout_clock.h"

#include <algorithm>

#include "packet_stream.h"

namespace media {

namespace {

int64_t due(const PacketStream& stream) {
  const StreamServices* services = stream.services();
  const Playout* playout = services ? services->played() : nullptr;
  return playout ? playout->due() : INT64_MAX;
}

}  // namespace

void PlayoutClock::note(PacketStream* stream) {
  const int64_t at = due(*stream);
  if (at == INT64_MAX) return;
  if (std::find(playing_.begin(), playing_.end(), stream) == playing_.end()) playing_.push_back(stream);
  next_ = std::min(next_, at);
}

void PlayoutClock::forget(PacketStream* stream) {
  if (next_ != INT64_MAX) std::erase(playing_, stream);
}

void PlayoutClock::run(int64_t now) {
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < playing_.size();) {
    PacketStream& stream = *playing_[i];
    if (due(stream) <= now) {
      Departure sink(stream, Departure::Admission::kOwn, now);
      if (stream.services()->played()->tick(now, sink)) stream.tell_clip_ended();
    }
    const int64_t at = due(stream);
    if (at == INT64_MAX) {
      playing_[i] = playing_.back();
      playing_.pop_back();
      continue;
    }
    next = std::min(next, at);
    i++;
  }
  next_ = next;
}

}  // namespace media
