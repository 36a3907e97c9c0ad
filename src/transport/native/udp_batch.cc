// Owns the reading and writing of UDP datagrams in batches, on Node's own event loop.
#include "udp_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cstdint>
#include <cstring>
#include <new>

#include "napi_args.h"
#include "queue_age.h"

namespace sip_sockets {
namespace {

constexpr int kBatch = 64;
constexpr int kWords = 8;
constexpr size_t kSlot = 65536;
enum Word { kLength, kPort, kFamily, kAddress, kOffset = 7 };

struct Batch {
  napi_env env;
  napi_ref received;  // Owned; null where another reads the socket.
  napi_ref buffers;   // Owned; keeps the four arrays alive.
  napi_async_context context;  // Owned.
  uv_poll_t poll;
  int fd;  // Owned.
  bool closing;
  uint8_t* in_bytes;   // Borrowed from buffers.
  int32_t* in_meta;    // Borrowed from buffers.
  uint8_t* out_bytes;  // Borrowed from buffers.
  int32_t* out_meta;   // Borrowed from buffers.
  mmsghdr in[kBatch];
  iovec in_vec[kBatch];
  sockaddr_storage in_name[kBatch];
  QueueAge age;
  mmsghdr out[kBatch];
  iovec out_vec[kBatch];
  sockaddr_storage out_name[kBatch];
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

void readable(uv_poll_t* poll, int status, int) {
  auto* batch = static_cast<Batch*>(poll->data);
  if (status < 0 || batch->closing) return;
  for (int i = 0; i < kBatch; i++) batch->in[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  batch->age.arm(&batch->in[0].msg_hdr);
  int count = recvmmsg(batch->fd, batch->in, kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return;
  for (int i = 0; i < count; i++) describe(batch->in_name[i], batch->in[i].msg_len, batch->in_meta + i * kWords);
  napi_env env = batch->env;
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value function, receiver;
  napi_get_reference_value(env, batch->received, &function);
  napi_get_global(env, &receiver);
  auto waited = static_cast<int32_t>(batch->age.waited(batch->in[0].msg_hdr));
  napi_value told[] = {to_js(env, count), to_js(env, waited)};
  if (napi_make_callback(env, batch->context, receiver, function, 2, told, nullptr) == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

void release(uv_handle_t* handle) {
  delete static_cast<Batch*>(handle->data);
}

void stop(Batch* batch) {
  if (batch->closing) return;
  batch->closing = true;
  uv_poll_stop(&batch->poll);
  ::close(batch->fd);
  if (batch->received) napi_delete_reference(batch->env, batch->received);
  napi_delete_reference(batch->env, batch->buffers);
  napi_async_destroy(batch->env, batch->context);
  uv_close(reinterpret_cast<uv_handle_t*>(&batch->poll), release);
}

void at_exit(void* data) {
  stop(static_cast<Batch*>(data));
}

Batch* batch_of(napi_env env, napi_value handle) {
  void* data = nullptr;
  napi_get_value_external(env, handle, &data);
  return static_cast<Batch*>(data);
}

}  // namespace

napi_value open_batch(napi_env env, napi_callback_info info) {
  napi_value args[6];
  arguments(env, info, args);
  auto* batch = new (std::nothrow) Batch();
  if (!batch) {
    napi_throw_error(env, "ENOMEM", "openBatch: out of memory");
    return nullptr;
  }
  batch->env = env;
  batch->fd = number(env, args[0]);
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
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  int failed = uv_poll_init(loop, &batch->poll, batch->fd);
  if (failed != 0) {
    delete batch;
    napi_throw_error(env, uv_err_name(failed), uv_strerror(failed));
    return nullptr;
  }
  batch->poll.data = batch;
  if (reads == napi_function) napi_create_reference(env, args[1], 1, &batch->received);
  napi_value buffers;
  napi_create_array_with_length(env, 4, &buffers);
  for (uint32_t i = 0; i < 4; i++) napi_set_element(env, buffers, i, args[i + 2]);
  napi_create_reference(env, buffers, 1, &batch->buffers);
  napi_async_init(env, nullptr, to_js(env, std::string_view("signalbox:udp")), &batch->context);
  if (batch->received) {
    ask_arrival_times(batch->fd);
    uv_poll_start(&batch->poll, UV_READABLE, readable);
  }
  napi_add_env_cleanup_hook(env, at_exit, batch);
  napi_value handle;
  napi_create_external(env, batch, nullptr, nullptr, &handle);
  return handle;
}

napi_value send_batch(napi_env env, napi_callback_info info) {
  napi_value args[3];
  arguments(env, info, args);
  Batch* batch = batch_of(env, args[0]);
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

napi_value close_batch(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  Batch* batch = batch_of(env, args[0]);
  napi_remove_env_cleanup_hook(env, at_exit, batch);
  stop(batch);
  return nullptr;
}

}  // namespace sip_sockets
