// Owns the spreading of streams over loops.
#include "relay.h"

#include <algorithm>

namespace media {

Relay::Relay(size_t threads, MediaLoop::Report report) {
  for (size_t i = 0; i < threads; i++) loops_.push_back(std::make_unique<MediaLoop>(report));
}

PortResult Relay::open(const Endpoint& address, uint16_t first, uint16_t last, int tos, Opened* out, int* error) {
  PortPair pair;
  const int64_t now = now_milliseconds();
  const PortResult result = ports_.open(address, first, last, tos, now, &pair, error);
  if (result != PortResult::kOk) return result;
  while (streams_.contains(next_id_) || next_id_ == 0) next_id_++;
  const uint32_t id = next_id_++;
  auto stream = std::make_unique<PacketStream>(id, pair.rtp_fd, pair.rtcp_fd, now);
  MediaLoop* loop = std::min_element(loops_.begin(), loops_.end(), [](const auto& a, const auto& b) {
                      return a->stream_count() < b->stream_count();
                    })->get();
  streams_[id] = {stream.get(), loop, address, pair.rtp_port};
  loop->attach(std::move(stream));
  *out = {id, pair.rtp_port};
  return PortResult::kOk;
}

bool Relay::link(uint32_t a, uint32_t b) {
  const auto first = streams_.find(a);
  const auto second = streams_.find(b);
  if (first == streams_.end() || second == streams_.end()) return false;
  // Both ends of a packet's way live in one thread, so that no lock stands between them.
  if (first->second.loop != second->second.loop) {
    MediaLoop* loop = first->second.loop;
    loop->attach(second->second.loop->detach(second->second.stream));
    second->second.loop = loop;
  }
  first->second.loop->link(first->second.stream, second->second.stream);
  return true;
}

bool Relay::configure(uint32_t id, std::unique_ptr<StreamSettings> settings) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return false;
  found->second.loop->configure(found->second.stream, std::move(settings));
  return true;
}

bool Relay::close(uint32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return false;
  const Entry entry = found->second;
  streams_.erase(found);
  entry.loop->close(entry.stream);
  ports_.give_back(entry.address, entry.rtp_port, now_milliseconds());
  return true;
}

const PacketStream* Relay::find(uint32_t id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.stream;
}

void Relay::shutdown() {
  streams_.clear();
  loops_.clear();
}

}  // namespace media
