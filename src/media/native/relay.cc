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
  streams_[id] = {stream.get(), loop, address, pair.rtp_port, 0};
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
  part(first->second);
  part(second->second);
  if (a != b) {
    first->second.peer = b;
    second->second.peer = a;
  }
  if (!gather(b, first->second.loop)) first->second.loop->link(first->second.stream, second->second.stream);
  return true;
}

void Relay::part(Entry& entry) {
  if (entry.peer != 0) streams_.at(entry.peer).peer = 0;
  entry.peer = 0;
}

bool Relay::subscribe(uint32_t source, uint32_t sink, std::shared_ptr<const Conversion> conversion) {
  const auto from = streams_.find(source);
  if (source == sink || from == streams_.end() || !streams_.contains(sink)) return false;
  const Subscription& subscription = subscriptions_[sink] = {source, std::move(conversion)};
  if (!gather(sink, from->second.loop)) feed(sink, subscription);
  return true;
}

void Relay::feed(uint32_t sink, const Subscription& subscription) {
  const Entry& from = streams_.at(subscription.source);
  from.loop->ask(from.stream, [stream = streams_.at(sink).stream, conversion = subscription.conversion](PacketStream& source, int64_t) {
    StreamServices::subscribe(source, *stream, conversion.get());
  });
}

bool Relay::gather(uint32_t id, MediaLoop* loop) {
  if (streams_.at(id).loop == loop) return false;
  std::vector<uint32_t> group{id};
  const auto reach = [this, &group, loop](uint32_t other) {
    if (other == 0 || streams_.at(other).loop == loop) return;
    if (std::find(group.begin(), group.end(), other) == group.end()) group.push_back(other);
  };
  for (size_t i = 0; i < group.size(); i++) {
    const uint32_t member = group[i];
    reach(streams_.at(member).peer);
    for (const auto& [sink, subscription] : subscriptions_) {
      if (sink == member) reach(subscription.source);
      if (subscription.source == member) reach(sink);
    }
  }
  for (const uint32_t member : group) {
    Entry& entry = streams_.at(member);
    loop->attach(entry.loop->detach(entry.stream));
    entry.loop = loop;
  }
  // Whoever leaves a thread leaves there what it was bound to.
  for (const uint32_t member : group) {
    const Entry& entry = streams_.at(member);
    if (entry.peer != 0) loop->link(entry.stream, streams_.at(entry.peer).stream);
    if (const auto fed = subscriptions_.find(member); fed != subscriptions_.end()) feed(member, fed->second);
  }
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

void Relay::hold(bool held) {
  for (const auto& loop : loops_) loop->hold(held);
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
  part(found->second);
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
