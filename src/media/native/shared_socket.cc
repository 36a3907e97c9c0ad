// Owns receiving with the original port told by the kernel, and sending with headers of our own.
#include "shared_socket.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "system_calls.h"

namespace media {

namespace {

/// Enough for a second of a thousand calls, should the loop wait for a processor that long; taken only by what waits.
constexpr int kReceiveBuffer = 32 << 20;
constexpr int kSendBuffer = 8 << 20;
/// RFC 791 3.2: 20 octets without options; RFC 8200 3: 40. RFC 768: 8.
constexpr size_t kMostHeaders = sizeof(ip6_hdr) + sizeof(udphdr);

/// RFC 1071, over an even number of octets where `length` is odd: the one after it is 0.
uint32_t sum_words(const uint8_t* data, size_t length) {
  uint64_t sum = 0;
  for (; length >= 4; data += 4, length -= 4) {
    uint32_t word;
    std::memcpy(&word, data, 4);
    sum += word;
  }
  uint32_t rest = 0;
  std::memcpy(&rest, data, length);
  sum += rest;
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  return static_cast<uint32_t>(sum & 0xffff) + static_cast<uint32_t>(sum >> 16);
}

/// RFC 768, RFC 8200 8.1: over a pseudo header of both addresses, the protocol and the length, and the datagram. Never 0,
/// which says that there is none.
uint16_t udp_checksum(const uint8_t* addresses, size_t addresses_length, const uint8_t* datagram, size_t length) {
  uint32_t sum = sum_words(addresses, addresses_length) + htons(IPPROTO_UDP) + htons(static_cast<uint16_t>(length));
  sum += sum_words(datagram, length);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  const auto result = static_cast<uint16_t>(~sum);
  return result == 0 ? 0xffff : result;
}

/// RFC 791 3.1. The addresses stand at its end.
size_t write_ip(uint8_t* out, const in_addr& from, const in_addr& to, uint8_t tos, uint8_t hops, size_t payload) {
  iphdr ip{};
  ip.version = 4;
  ip.ihl = sizeof ip / 4;
  ip.tos = tos;
  ip.tot_len = htons(static_cast<uint16_t>(sizeof ip + payload));
  ip.frag_off = htons(IP_DF);
  // RFC 6864 4.1: of a datagram that is not fragmented the identification means nothing; 0 would be filled in.
  ip.id = htons(1);
  ip.ttl = hops;
  ip.protocol = IPPROTO_UDP;
  ip.saddr = from.s_addr;
  ip.daddr = to.s_addr;
  std::memcpy(out, &ip, sizeof ip);
  return sizeof ip;
}

/// RFC 8200 3. The same.
size_t write_ip6(uint8_t* out, const in6_addr& from, const in6_addr& to, uint8_t tos, uint8_t hops, size_t payload) {
  ip6_hdr ip{};
  ip.ip6_flow = htonl(6u << 28 | static_cast<uint32_t>(tos) << 20);
  ip.ip6_plen = htons(static_cast<uint16_t>(payload));
  ip.ip6_nxt = IPPROTO_UDP;
  ip.ip6_hlim = hops;
  ip.ip6_src = from;
  ip.ip6_dst = to;
  std::memcpy(out, &ip, sizeof ip);
  return sizeof ip;
}

}  // namespace

struct SharedBatch::Slots {
  static constexpr size_t kControl = CMSG_SPACE(sizeof(sockaddr_in6));
  mmsghdr messages[kSize];
  iovec vectors[kSize];
  Endpoint sources[kSize];
  alignas(cmsghdr) uint8_t control[kSize][kControl];
  PacketStream::Socket* sockets[kSize];
  uint8_t buffers[kSize][kPacketBuffer];

  Slots() {
    for (unsigned i = 0; i < kSize; i++) {
      vectors[i] = {buffers[i], kMaxDatagram};
      messages[i] = {};
      msghdr& header = messages[i].msg_hdr;
      header.msg_iov = &vectors[i];
      header.msg_iovlen = 1;
      header.msg_name = &sources[i];
      header.msg_control = control[i];
    }
  }
  /// What the kernel wrote over is set again.
  void prepare(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
      messages[i].msg_hdr.msg_namelen = sizeof(Endpoint);
      messages[i].msg_hdr.msg_controllen = kControl;
    }
  }
  /// The port that the datagram was sent to; 0: not told.
  uint16_t port(unsigned i) {
    const cmsghdr* told = CMSG_FIRSTHDR(&messages[i].msg_hdr);
    if (!told) return 0;
    const bool v4 = told->cmsg_level == SOL_IP && told->cmsg_type == IP_ORIGDSTADDR;
    if (!v4 && (told->cmsg_level != SOL_IPV6 || told->cmsg_type != IPV6_ORIGDSTADDR)) return 0;
    Endpoint to;
    std::memcpy(&to.any, CMSG_DATA(told), v4 ? sizeof to.v4 : sizeof to.v6);
    return to.port();
  }
};

SharedBatch::SharedBatch() : slots_(std::make_unique<Slots>()) { slots_->prepare(kSize); }
SharedBatch::~SharedBatch() = default;

struct SharedSocket::Queue {
  unsigned count = 0;
  mmsghdr messages[kQueue];
  iovec vectors[kQueue];
  Endpoint to[kQueue];
  PacketStream* streams[kQueue];  // Borrowed: flush() comes before any of them goes.
  alignas(8) uint8_t packets[kQueue][kMostHeaders + kMaxLength + 4];

  Queue() {
    for (unsigned i = 0; i < kQueue; i++) {
      vectors[i] = {packets[i], 0};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &to[i];
    }
  }
};

std::unique_ptr<SharedSocket> SharedSocket::make(const Endpoint& address, std::shared_ptr<PortSteering> steering, uint32_t place) {
  if (!steering) return nullptr;
  std::unique_ptr<SharedSocket> made(new SharedSocket(address, std::move(steering), place));
  return made->open() ? std::move(made) : nullptr;
}

SharedSocket::SharedSocket(const Endpoint& address, std::shared_ptr<PortSteering> steering, uint32_t place)
    : address_(address), steering_(std::move(steering)), place_(place), by_port_(65536) {}

SharedSocket::~SharedSocket() {
  if (receiving_ >= 0) close(receiving_);
  if (raw_ >= 0) close(raw_);
}

bool SharedSocket::open() {
  const bool v6 = address_.any.sa_family == AF_INET6;
  receiving_ = socket(address_.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (receiving_ < 0) return false;
  const int on = 1;
  // Without the larger buffer, bursts that the streams' own sockets would hold together were lost.
  if (setsockopt(receiving_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0 ||
      setsockopt(receiving_, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_RECVORIGDSTADDR : IP_RECVORIGDSTADDR, &on, sizeof on) != 0)
    return false;
  Endpoint local = address_;
  local.set_port(0);
  if (bind(receiving_, &local.any, local.size()) != 0 || !steering_->add(place_, receiving_)) return false;
  open_raw();
  return true;
}

void SharedSocket::open_raw() {
  int hops = 0;
  socklen_t size = sizeof hops;
  const bool v6 = address_.any.sa_family == AF_INET6;
  if (getsockopt(receiving_, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops, &size) == 0 && hops > 0 && hops < 256) hops_ = static_cast<uint8_t>(hops);
  // IPPROTO_RAW sends only: nothing is ever delivered to it.
  raw_ = socket(address_.any.sa_family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
  if (raw_ < 0) return;
  Endpoint local = address_;
  local.set_port(0);
  if (setsockopt(raw_, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer) != 0 || bind(raw_, &local.any, local.size()) != 0) {
    close(raw_);
    raw_ = -1;
    return;
  }
  queue_ = std::make_unique<Queue>();
}

void SharedSocket::enter(PacketStream::Socket* socket) {
  by_port_[socket->port] = socket;
  socket->shared = this;
  socket->led = true;
  steering_->lead(socket->port, place_);
}

void SharedSocket::leave(PacketStream::Socket* socket) {
  flush();
  steering_->release(socket->port);
  by_port_[socket->port] = nullptr;
  socket->shared = nullptr;
}

bool SharedSocket::flooded(PacketStream::Socket& socket, int64_t now) {
  const auto slice = static_cast<uint32_t>(now / kSlice);
  if (socket.slice != slice) {
    socket.slice = slice;
    socket.arrivals = 0;
  }
  if (++socket.arrivals < kFlood || !socket.led) return false;
  // For good: a port that is attacked once costs more as it is, and nobody else.
  socket.led = false;
  steering_->release(socket.port);
  return true;
}

int SharedSocket::receive(SharedBatch& batch, int64_t now) {
  SharedBatch::Slots& slots = *batch.slots_;
  const int got = receive_datagrams(receiving_, slots.messages, SharedBatch::kSize);
  if (got <= 0) return 0;
  const auto count = static_cast<unsigned>(got);
  for (unsigned i = 0; i < count; i++) {
    slots.sockets[i] = by_port_[slots.port(i)];
    if (slots.sockets[i]) fetch(slots.sockets[i], 1);
  }
  constexpr unsigned kAhead = 4;
  for (unsigned i = 0; i < count; i++) {
    if (i + 2 * kAhead < count && slots.sockets[i + 2 * kAhead]) slots.sockets[i + 2 * kAhead]->stream->fetch_for_arrival();
    if (i + kAhead < count && slots.sockets[i + kAhead])
      if (const PacketStream* peer = slots.sockets[i + kAhead]->stream->peer()) peer->fetch_for_departure();
    PacketStream::Socket* socket = slots.sockets[i];
    // Nobody's: its stream has been closed since.
    if (!socket) continue;
    flooded(*socket, now);
    const bool whole = (slots.messages[i].msg_hdr.msg_flags & MSG_TRUNC) == 0;
    socket->stream->receive(socket->component, slots.buffers[i], whole ? slots.messages[i].msg_len : 0, slots.sources[i], now);
  }
  slots.prepare(count);
  return got;
}

bool SharedSocket::send(PacketStream::Socket& from, const uint8_t* data, size_t length, const Endpoint& to) {
  if (!queue_) return false;
  if (length > kMaxLength || to.any.sa_family != address_.any.sa_family) {
    // What the stream sent before goes first.
    flush();
    return false;
  }
  Queue& queue = *queue_;
  const unsigned at = queue.count;
  uint8_t* packet = queue.packets[at];
  const size_t datagram = sizeof(udphdr) + length;
  const bool v6 = to.any.sa_family == AF_INET6;
  const size_t head = v6 ? write_ip6(packet, address_.v6.sin6_addr, to.v6.sin6_addr, from.tos, hops_, datagram)
                         : write_ip(packet, address_.v4.sin_addr, to.v4.sin_addr, from.tos, hops_, datagram);
  udphdr udp{};
  udp.source = htons(from.port);
  udp.dest = htons(to.port());
  udp.len = htons(static_cast<uint16_t>(datagram));
  std::memcpy(packet + head, &udp, sizeof udp);
  std::memcpy(packet + head + sizeof udp, data, length);
  const size_t addresses = v6 ? 2 * sizeof(in6_addr) : 2 * sizeof(in_addr);
  udp.check = udp_checksum(packet + head - addresses, addresses, packet + head, datagram);
  std::memcpy(packet + head, &udp, sizeof udp);
  queue.vectors[at].iov_len = head + sizeof udp + length;
  queue.to[at] = to;
  queue.to[at].set_port(0);
  queue.messages[at].msg_hdr.msg_namelen = to.size();
  queue.streams[at] = from.stream;
  if (++queue.count == kQueue) flush();
  return true;
}

void SharedSocket::flush() {
  if (!queue_ || queue_->count == 0) return;
  Queue& queue = *queue_;
  const unsigned count = std::exchange(queue.count, 0);
  for (unsigned done = 0; done < count;) {
    const int sent = send_datagrams(raw_, queue.messages + done, count - done);
    if (sent > 0) {
      done += static_cast<unsigned>(sent);
      continue;
    }
    // The first of them was refused; the others may have another way.
    queue.streams[done++]->send_failed();
  }
}

}  // namespace media
