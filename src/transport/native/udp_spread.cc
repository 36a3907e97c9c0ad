// Owns the thread that reads the UDP sockets and spreads datagrams over shards by Call-ID.
#include "udp_spread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

#include "call_shard.h"
#include "queue_age.h"
#include "queue_drops.h"
#include "record_kinds.h"
#include "script_handle.h"
#include "shared_ring.h"

namespace sip_sockets {
namespace {

constexpr int kBatch = 64;
constexpr size_t kSlot = 65536;
// Batches from one socket in a row: the others must have their turn.
constexpr int kTurn = 16;

struct Shard {
  RingWriter ring;
  int event;  // Borrowed from the caller.
  bool touched;
};

struct Spread : ScriptHandle {
  pthread_t thread;
  bool running;
  int stop_event;  // Owned.
  std::vector<pollfd> sockets;     // The last one is stop_event. Borrowed from the caller.
  std::vector<int32_t> listeners;
  std::vector<QueueDrops> drops;   // Of each socket.
  std::vector<Shard> shards;
  std::unique_ptr<uint8_t[]> bytes;
  mmsghdr in[kBatch];
  iovec in_vec[kBatch];
  sockaddr_storage in_name[kBatch];
  QueueAge age;

 protected:
  void stop() override {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(stop_event, &one, sizeof(one));
    if (running) pthread_join(thread, nullptr);
    ::close(stop_event);
  }
};

struct Source {
  char address[INET6_ADDRSTRLEN];
  int32_t length;
  int32_t port;
};

bool describe(const sockaddr_storage& name, Source* out) {
  const void* raw;
  if (name.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(name);
    raw = &four.sin_addr;
    out->port = ntohs(four.sin_port);
  } else {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(name);
    raw = &six.sin6_addr;
    out->port = ntohs(six.sin6_port);
  }
  if (!inet_ntop(name.ss_family, raw, out->address, sizeof(out->address))) return false;
  out->length = static_cast<int32_t>(std::strlen(out->address));
  return true;
}

void spread_batch(Spread* spread, int32_t listener, int count) {
  int32_t since = spread->age.since(spread->in[0].msg_hdr);
  for (int i = 0; i < count; i++) {
    Source source;
    if (!describe(spread->in_name[i], &source)) continue;
    const char* data = reinterpret_cast<const char*>(spread->bytes.get()) + static_cast<size_t>(i) * kSlot;
    size_t length = spread->in[i].msg_len;
    Shard& shard = spread->shards[call_id_hash(find_call_id({data, length})) % spread->shards.size()];
    RecordHeader record = {0, kDatagram, listener, source.port, 0, source.length, static_cast<int32_t>(length), since};
    shard.ring.push(record, source.address, data);
    shard.touched = true;
  }
  for (Shard& shard : spread->shards) {
    if (!shard.touched) continue;
    shard.touched = false;
    shard.ring.wake(shard.event);
  }
}

// What the kernel had no room for counts as what a ring has none for; whose it was nobody knows.
void note_drops(Spread* spread, size_t socket, int count) {
  if (count < kBatch && spread->age.waited(spread->in[0].msg_hdr) <= kDropsWaitMicroseconds) return;
  auto dropped = static_cast<uint32_t>(spread->drops[socket].take(spread->sockets[socket].fd));
  auto shards = static_cast<uint32_t>(spread->shards.size());
  for (uint32_t i = 0; dropped != 0 && i < shards; i++)
    spread->shards[i].ring.header->dropped.fetch_add(dropped / shards + (i < dropped % shards), std::memory_order_relaxed);
}

int receive(Spread* spread, int fd) {
  for (int i = 0; i < kBatch; i++) spread->in[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  spread->age.arm(&spread->in[0].msg_hdr);
  return recvmmsg(fd, spread->in, kBatch, MSG_DONTWAIT, nullptr);
}

void* run(void* data) {
  auto* spread = static_cast<Spread*>(data);
  pthread_setname_np(pthread_self(), "sip-front");
  for (;;) {
    if (poll(spread->sockets.data(), spread->sockets.size(), -1) < 0 && errno != EINTR) return nullptr;
    if (spread->sockets.back().revents != 0) return nullptr;
    for (size_t i = 0; i + 1 < spread->sockets.size(); i++) {
      if (spread->sockets[i].revents == 0) continue;
      for (int turn = 0; turn < kTurn; turn++) {
        int count = receive(spread, spread->sockets[i].fd);
        if (count > 0) {
          note_drops(spread, i, count);
          spread_batch(spread, spread->listeners[i], count);
        }
        if (count < kBatch) break;
      }
    }
  }
}

}  // namespace

napi_value start_spread(napi_env env, napi_callback_info info) {
  napi_value args[6];
  arguments(env, info, args);
  auto* spread = new (std::nothrow) Spread();
  if (!spread) {
    napi_throw_error(env, "ENOMEM", "startSpread: out of memory");
    return nullptr;
  }
  spread->env = env;
  each(env, args[0], [&](napi_value fd) {
    spread->sockets.push_back({number(env, fd), POLLIN, 0});
    ask_arrival_times(number(env, fd));
    spread->drops.emplace_back().begin(number(env, fd));
  });
  each(env, args[1], [&](napi_value listener) { spread->listeners.push_back(number(env, listener)); });
  int32_t offset = number(env, args[3]);
  auto capacity = static_cast<uint32_t>(number(env, args[4]));
  each(env, args[2], [&](napi_value memory) {
    spread->keep(memory);
    spread->shards.push_back({ring_at<RingWriter>(memory_of(env, memory) + offset, capacity), -1, false});
  });
  size_t shard = 0;
  each(env, args[5], [&](napi_value event) { spread->shards[shard++].event = number(env, event); });
  spread->bytes.reset(new (std::nothrow) uint8_t[kBatch * kSlot]);
  spread->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  spread->sockets.push_back({spread->stop_event, POLLIN, 0});
  for (int i = 0; i < kBatch; i++) {
    spread->in_vec[i] = {spread->bytes.get() + static_cast<size_t>(i) * kSlot, kSlot};
    spread->in[i].msg_hdr.msg_iov = &spread->in_vec[i];
    spread->in[i].msg_hdr.msg_iovlen = 1;
    spread->in[i].msg_hdr.msg_name = &spread->in_name[i];
  }
  spread->running = spread->bytes && spread->stop_event >= 0 && pthread_create(&spread->thread, nullptr, run, spread) == 0;
  if (spread->running) return spread->hand_out();
  spread->end();
  napi_throw_error(env, "EAGAIN", "startSpread: no thread could be started");
  return nullptr;
}

}  // namespace sip_sockets
