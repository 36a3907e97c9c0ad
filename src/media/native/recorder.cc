// Owns the ring between loops and the writer.
#include "recorder.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>

namespace media {

namespace {
/// How long the writer lets packets gather.
constexpr auto kGather = std::chrono::milliseconds(20);
}  // namespace

int64_t wall_microseconds() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1'000'000LL + time.tv_nsec / 1000;
}

Recorder::Recorder() : slots_(std::make_unique<Slot[]>(kSlots)) {
  for (size_t i = 0; i < kSlots; i++) slots_[i].turn = i;
  // Signals are for the threads that expect them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "media-recorder");
}

Recorder::~Recorder() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Recorder::add(std::shared_ptr<Recording> recording) {
  {
    const std::scoped_lock lock(mutex_);
    recordings_.push_back(std::move(recording));
  }
  wake_.notify_one();
}

size_t Recorder::open() const {
  const std::scoped_lock lock(mutex_);
  return recordings_.size();
}

bool Recorder::give(const std::shared_ptr<Recording>& recording, const RecordedPacket& packet) {
  size_t at = head_.load(std::memory_order_relaxed);
  for (;;) {
    Slot& slot = slots_[at % kSlots];
    const size_t turn = slot.turn.load(std::memory_order_acquire);
    if (turn == at) {
      if (!head_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) continue;
      slot.recording = recording;
      RecordedPacket& copy = slot.packet;
      copy.time = packet.time;
      copy.from = packet.from;
      copy.to = packet.to;
      copy.track = packet.track;
      copy.law = packet.law;
      copy.rtcp = packet.rtcp;
      copy.length = packet.length;
      copy.original = packet.original;
      std::copy_n(packet.data.begin(), packet.length, copy.data.begin());
      slot.turn.store(at + 1, std::memory_order_release);
      return true;
    }
    if (static_cast<ptrdiff_t>(turn - at) < 0) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    at = head_.load(std::memory_order_relaxed);
  }
}

size_t Recorder::drain() {
  size_t count = 0;
  for (; count < kSlots; count++) {
    Slot& slot = slots_[tail_ % kSlots];
    if (slot.turn.load(std::memory_order_acquire) != tail_ + 1) break;
    slot.recording->packet(slot.packet);
    slot.recording.reset();
    slot.turn.store(tail_ + kSlots, std::memory_order_release);
    tail_++;
  }
  return count;
}

void Recorder::finish_abandoned(bool all) {
  std::vector<std::shared_ptr<Recording>> open;
  {
    const std::scoped_lock lock(mutex_);
    open = recordings_;
  }
  const int64_t now = wall_microseconds();
  for (std::shared_ptr<Recording>& recording : open) {
    // Held here and in the list: no stream has it, and no packet of it waits.
    const bool last = all || recording.use_count() == 2;
    recording->flush(now, last);
    if (!last) continue;
    const std::scoped_lock lock(mutex_);
    std::erase(recordings_, recording);
  }
}

void Recorder::run() {
  for (;;) {
    bool stopping;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !recordings_.empty(); });
      if (!stopping_) wake_.wait_for(lock, kGather, [this] { return stopping_; });
      stopping = stopping_;
    }
    // Nothing is given any more once it is stopping: what was is in the ring.
    drain();
    finish_abandoned(stopping);
    if (stopping) return;
  }
}

}  // namespace media
