// Owns the spreading of streams over loops.
#include "relay.h"

#include <algorithm>

namespace media {

Relay::Relay(size_t threads, size_t streams_per_thread, Sockets sockets, MediaLoop::Report report)
    : streams_per_thread_(streams_per_thread), sockets_(sockets) {
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
  stream->set_local(address, pair.rtp_port, static_cast<uint8_t>(tos));
  local_address(address);
  const size_t in_use = std::min(loops_.size(), 1 + streams_.size() / streams_per_thread_);
  const auto fewer = [](const auto& a, const auto& b) { return a->stream_count() < b->stream_count(); };
  MediaLoop* loop = std::min_element(loops_.begin(), loops_.begin() + static_cast<std::ptrdiff_t>(in_use), fewer)->get();
  streams_[id] = {stream.get(), loop, address, pair.rtp_port};
  loop->attach(std::move(stream));
  *out = {id, pair.rtp_port};
  return PortResult::kOk;
}

const Relay::LocalAddress& Relay::local_address(const Endpoint& address) {
  for (const LocalAddress& each : addresses_)
    if (each.address.same_address(address)) return each;
  std::shared_ptr<PortSteering> steering;
  if (sockets_ == Sockets::kShared) steering = PortSteering::make(address);
  std::vector<std::unique_ptr<SharedSocket>> made;
  for (uint32_t i = 0; steering && i < loops_.size(); i++) {
    made.push_back(SharedSocket::make(address, steering, i));
    if (!made.back()) steering.reset();
  }
  if (steering)
    for (size_t i = 0; i < loops_.size(); i++) loops_[i]->share(std::move(made[i]));
  addresses_.push_back({address, std::move(steering)});
  return addresses_.back();
}

bool Relay::link(uint32_t a, uint32_t b) {
  const auto first = streams_.find(a);
  const auto second = streams_.find(b);
  if (first == streams_.end() || second == streams_.end()) return false;
  // Both ends of a packet's way live in one thread, so that no lock stands between them.
  if (first->second.loop != second->second.loop) {
    move(second->second, first->second.loop);
    for (const auto& [sink, subscription] : subscriptions_)
      if (subscription.source == b || sink == b) join(sink, subscription);
  }
  first->second.loop->link(first->second.stream, second->second.stream);
  return true;
}

void Relay::move(Entry& entry, MediaLoop* loop) {
  loop->attach(entry.loop->detach(entry.stream));
  entry.loop = loop;
}

/// Both live in one thread, for the same reason.
void Relay::join(uint32_t sink, const Subscription& subscription) {
  Entry& to = streams_.at(sink);
  Entry& from = streams_.at(subscription.source);
  if (to.loop != from.loop) move(to, from.loop);
  from.loop->ask(from.stream, [stream = to.stream, conversion = subscription.conversion](PacketStream& source, int64_t) {
    StreamServices::subscribe(source, *stream, conversion.get());
  });
}

bool Relay::subscribe(uint32_t source, uint32_t sink, std::shared_ptr<const Conversion> conversion) {
  if (source == sink || !streams_.contains(source) || !streams_.contains(sink)) return false;
  join(sink, subscriptions_[sink] = {source, std::move(conversion)});
  return true;
}

bool Relay::unsubscribe(uint32_t sink) {
  subscriptions_.erase(sink);
  return ask(sink, [](PacketStream& stream, int64_t) { StreamServices::unsubscribe(stream); });
}

bool Relay::ask(uint32_t id, std::function<void(PacketStream&, int64_t)> work) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return false;
  found->second.loop->ask(found->second.stream, std::move(work));
  return true;
}

bool Relay::local(uint32_t id, Endpoint* rtp, Endpoint* rtcp) const {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return false;
  *rtp = *rtcp = found->second.address;
  rtp->set_port(found->second.rtp_port);
  rtcp->set_port(static_cast<uint16_t>(found->second.rtp_port + 1));
  return true;
}

Recorder& Relay::recorder() {
  if (!recorder_) recorder_ = std::make_unique<Recorder>();
  return *recorder_;
}

bool Relay::configure(uint32_t id, std::unique_ptr<StreamSettings> settings) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return false;
  settings->events = events_.get();
  found->second.loop->configure(found->second.stream, std::move(settings));
  return true;
}

bool Relay::close(uint32_t id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return false;
  const Entry entry = found->second;
  streams_.erase(found);
  std::erase_if(subscriptions_, [id](const auto& each) { return each.first == id || each.second.source == id; });
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
  subscriptions_.clear();
  loops_.clear();
  recorder_.reset();
}

}  // namespace media
