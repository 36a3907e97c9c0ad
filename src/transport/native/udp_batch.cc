// Owns the reading and writing of UDP datagrams in batches, on Node's own event loop.
#include "udp_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "queue_age.h"
#include "queue_drops.h"
#include "watched_descriptor.h"

namespace sip_sockets {
namespace {

constexpr int kBatch = 64;
constexpr int kWords = 8;
constexpr size_t kSlot = 65536;
enum Word { kLength, kPort, kFamily, kAddress, kOffset = 7 };

// Owns its descriptor.
struct Batch : WatchedDescriptor {
  napi_ref received;   // Kept. Null where another reads the socket.
  uint8_t* in_bytes;   // Borrowed from arrays that are kept, as the next three.
  int32_t* in_meta;
  uint8_t* out_bytes;
  int32_t* out_meta;
  mmsghdr in[kBatch];
  iovec in_vec[kBatch];
  sockaddr_storage in_name[kBatch];
  QueueAge age;
  QueueDrops drops;
  mmsghdr out[kBatch];
  iovec out_vec[kBatch];
  sockaddr_storage out_name[kBatch];

 protected:
  void readable() override;
  void stop() override {
    WatchedDescriptor::stop();
    ::close(fd);
  }
};

void describe(const sockaddr_storage& name, uint32_t length, int32_t* meta) {
  meta[kLength] = static_cast<int32_t>(length);
  if (name.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(name);
    meta[kPort] = ntohs(four.sin_port);
    meta[kFamily] = 4;
    meta[kAddress] = static_cast<int32_t>(ntohl(four.sin_addr.s_addr));
    return;
  }
  const auto& six = reinterpret_cast<const sockaddr_in6&>(name);
  meta[kPort] = ntohs(six.sin6_port);
  meta[kFamily] = 6;
  for (int i = 0; i < 4; i++) {
    uint32_t word;
    std::memcpy(&word, six.sin6_addr.s6_addr + 4 * i, 4);
    meta[kAddress + i] = static_cast<int32_t>(ntohl(word));
  }
}

socklen_t undescribe(const int32_t* meta, sockaddr_storage* name) {
  std::memset(name, 0, sizeof(*name));
  if (meta[kFamily] == 4) {
    auto* four = reinterpret_cast<sockaddr_in*>(name);
    four->sin_family = AF_INET;
    four->sin_port = htons(static_cast<uint16_t>(meta[kPort]));
    four->sin_addr.s_addr = htonl(static_cast<uint32_t>(meta[kAddress]));
    return sizeof(sockaddr_in);
  }
  auto* six = reinterpret_cast<sockaddr_in6*>(name);
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(static_cast<uint16_t>(meta[kPort]));
  for (int i = 0; i < 4; i++) {
    uint32_t word = htonl(static_cast<uint32_t>(meta[kAddress + i]));
    std::memcpy(six->sin6_addr.s6_addr + 4 * i, &word, 4);
  }
  return sizeof(sockaddr_in6);
}

void Batch::readable() {
  for (int i = 0; i < kBatch; i++) in[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  age.arm(&in[0].msg_hdr);
  int count = recvmmsg(fd, in, kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return;
  for (int i = 0; i < count; i++) describe(in_name[i], in[i].msg_len, in_meta + i * kWords);
  int64_t waited = age.waited(in[0].msg_hdr);
  int32_t dropped = count == kBatch || waited > kDropsWaitMicroseconds ? drops.take(fd) : 0;
  call(received, count, static_cast<int32_t>(waited), dropped);
}

}  // namespace

napi_value open_batch(napi_env env, napi_callback_info info) {
  napi_value args[6];
  arguments(env, info, args);
  auto* batch = WatchedDescriptor::open<Batch>(env, number(env, args[0]), "signalbox:udp");
  if (!batch) return nullptr;
  napi_valuetype reads;
  napi_typeof(env, args[1], &reads);
  batch->in_bytes = data_of<uint8_t>(env, args[2]);
  batch->in_meta = data_of<int32_t>(env, args[3]);
  batch->out_bytes = data_of<uint8_t>(env, args[4]);
  batch->out_meta = data_of<int32_t>(env, args[5]);
  for (int i = 0; i < kBatch; i++) {
    if (reads == napi_function) batch->in_vec[i] = {batch->in_bytes + i * kSlot, kSlot};
    batch->in[i].msg_hdr.msg_iov = &batch->in_vec[i];
    batch->in[i].msg_hdr.msg_iovlen = 1;
    batch->in[i].msg_hdr.msg_name = &batch->in_name[i];
    batch->out[i].msg_hdr.msg_iov = &batch->out_vec[i];
    batch->out[i].msg_hdr.msg_iovlen = 1;
    batch->out[i].msg_hdr.msg_name = &batch->out_name[i];
  }
  for (int i = 2; i < 6; i++) batch->keep(args[i]);
  if (reads == napi_function) {
    batch->received = batch->keep(args[1]);
    ask_arrival_times(batch->fd);
    batch->drops.begin(batch->fd);
    batch->start();
  }
  return batch->hand_out();
}

napi_value send_batch(napi_env env, napi_callback_info info) {
  napi_value args[3];
  auto* batch = subject<Batch>(env, info, args);
  int32_t from = number(env, args[1]);
  int32_t to = number(env, args[2]);
  for (int i = from; i < to; i++) {
    const int32_t* meta = batch->out_meta + i * kWords;
    batch->out_vec[i] = {batch->out_bytes + meta[kOffset], static_cast<size_t>(meta[kLength])};
    batch->out[i].msg_hdr.msg_namelen = undescribe(meta, &batch->out_name[i]);
  }
  while (from < to) {
    int sent = sendmmsg(batch->fd, batch->out + from, static_cast<unsigned>(to - from), MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      batch->out_meta[from * kWords + kLength] = -errno;
      break;
    }
    from += sent;
  }
  return to_js(env, from);
}

}  // namespace sip_sockets
