// Owns the addon of the SIP sockets: binding and listening, one-off sends, routes, and memory shared between processes.
// TypeScript (native-sockets.ts) validates every argument; this file trusts them.
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

#include "addresses.h"
#include "event_fd.h"
#include "loans.h"
#include "passage.h"
#include "script_handle.h"
#include "stream_lane.h"
#include "udp_batch.h"
#include "udp_spread.h"

namespace sip_sockets {
namespace {

constexpr int kBacklog = 511;

const char* errno_name(int code) {
  switch (code) {
    case EADDRINUSE: return "EADDRINUSE";
    case EADDRNOTAVAIL: return "EADDRNOTAVAIL";
    case EACCES: return "EACCES";
    case EPERM: return "EPERM";
    case EAFNOSUPPORT: return "EAFNOSUPPORT";
    case EINVAL: return "EINVAL";
    case EMFILE: return "EMFILE";
    case ENFILE: return "ENFILE";
    case ENETUNREACH: return "ENETUNREACH";
    case EHOSTUNREACH: return "EHOSTUNREACH";
    case EMSGSIZE: return "EMSGSIZE";
    case ENOBUFS: return "ENOBUFS";
    case EAGAIN: return "EAGAIN";
    case EBADF: return "EBADF";
    case ENOMEM: return "ENOMEM";
    default: return "EIO";
  }
}

napi_value throw_errno(napi_env env, const char* call, int code) {
  char message[160];
  std::snprintf(message, sizeof(message), "%s: %s", call, std::strerror(code));
  napi_throw_error(env, errno_name(code), message);
  return nullptr;
}

socklen_t address(napi_env env, napi_value text, napi_value port, sockaddr_storage* out) {
  return parse_address(text_of(env, text).c_str(), static_cast<uint16_t>(number(env, port)), out);
}

// bind(stream: 0 | 1, address, port) -> descriptor; a stream is listening already.
napi_value bind_socket(napi_env env, napi_callback_info info) {
  napi_value args[3];
  arguments(env, info, args);
  bool stream = number(env, args[0]) == 1;
  sockaddr_storage name;
  socklen_t length = address(env, args[1], args[2], &name);
  if (length == 0) return throw_errno(env, "bind", EINVAL);
  int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  int fd = socket(name.ss_family, type, 0);
  if (fd < 0) return throw_errno(env, "socket", errno);
  int on = 1;
  if (name.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  // A restart must not wait for connections in TIME_WAIT. UDP goes without: there it would let two programs share a port.
  if (stream) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const char* call = "bind";
  int failed = ::bind(fd, reinterpret_cast<sockaddr*>(&name), length);
  if (failed == 0 && stream) {
    call = "listen";
    failed = listen(fd, kBacklog);
  }
  if (failed != 0) {
    int code = errno;
    ::close(fd);
    return throw_errno(env, call, code);
  }
  return to_js(env, fd);
}

// localPort(descriptor) -> port
napi_value local_port(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  sockaddr_storage name;
  socklen_t length = sizeof(name);
  if (getsockname(number(env, args[0]), reinterpret_cast<sockaddr*>(&name), &length) != 0) {
    return throw_errno(env, "getsockname", errno);
  }
  uint16_t port = name.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&name)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&name)->sin_port;
  return to_js(env, static_cast<int32_t>(ntohs(port)));
}

// close(descriptor)
napi_value close_descriptor(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  ::close(number(env, args[0]));
  return nullptr;
}

// duplicate(descriptor) -> another descriptor of the same socket
napi_value duplicate(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  int fd = fcntl(number(env, args[0]), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return throw_errno(env, "fcntl", errno);
  return to_js(env, fd);
}

// sendTo(descriptor, bytes, address, port)
napi_value send_to(napi_env env, napi_callback_info info) {
  napi_value args[4];
  arguments(env, info, args);
  void* bytes = nullptr;
  size_t size = 0;
  napi_get_buffer_info(env, args[1], &bytes, &size);
  sockaddr_storage name;
  socklen_t length = address(env, args[2], args[3], &name);
  if (length == 0) return throw_errno(env, "sendto", EINVAL);
  if (sendto(number(env, args[0]), bytes, size, 0, reinterpret_cast<sockaddr*>(&name), length) < 0) {
    return throw_errno(env, "sendto", errno);
  }
  return nullptr;
}

// The forced form goes beyond the system's bound and needs CAP_NET_ADMIN.
void set_buffer(int fd, int forced, int granted, int bytes) {
  if (bytes == 0 || setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) == 0) return;
  setsockopt(fd, SOL_SOCKET, granted, &bytes, sizeof(bytes));
}

// setBuffers(descriptor, receive, send): bytes of the kernel's buffers, as far as the system grants them; 0 leaves one as it is.
napi_value set_buffers(napi_env env, napi_callback_info info) {
  napi_value args[3];
  arguments(env, info, args);
  int fd = number(env, args[0]);
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, number(env, args[1]));
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, number(env, args[2]));
  return nullptr;
}

// routeTo(address) -> our address on the way there, undefined where there is no way. Nothing is sent.
napi_value route_to(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  sockaddr_storage name;
  socklen_t length = address(env, args[0], to_js(env, 9), &name);
  if (length == 0) return nullptr;
  int fd = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  sockaddr_storage own;
  socklen_t own_length = sizeof(own);
  bool found = connect(fd, reinterpret_cast<sockaddr*>(&name), length) == 0 &&
               getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_length) == 0;
  ::close(fd);
  if (!found) return nullptr;
  char text[INET6_ADDRSTRLEN];
  const void* raw = own.ss_family == AF_INET6
                        ? static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(&own)->sin6_addr)
                        : static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(&own)->sin_addr);
  if (!inet_ntop(own.ss_family, raw, text, sizeof(text))) return nullptr;
  return to_js(env, std::string_view(text));
}

// createSharedMemory(bytes) -> descriptor
napi_value create_shared_memory(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  int fd = memfd_create("signalbox", MFD_CLOEXEC);
  if (fd < 0) return throw_errno(env, "memfd_create", errno);
  if (ftruncate(fd, number(env, args[0])) != 0) {
    int code = errno;
    ::close(fd);
    return throw_errno(env, "ftruncate", code);
  }
  return to_js(env, fd);
}

void unmap(node_api_basic_env, void* data, void* hint) {
  munmap(data, reinterpret_cast<size_t>(hint));
}

// mapSharedMemory(descriptor, bytes) -> ArrayBuffer. The mapping outlives the descriptor and goes with the ArrayBuffer.
napi_value map_shared_memory(napi_env env, napi_callback_info info) {
  napi_value args[2];
  arguments(env, info, args);
  size_t size = static_cast<size_t>(number(env, args[1]));
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, number(env, args[0]), 0);
  if (data == MAP_FAILED) return throw_errno(env, "mmap", errno);
  napi_value out;
  if (napi_create_external_arraybuffer(env, data, size, unmap, reinterpret_cast<void*>(size), &out) != napi_ok) {
    munmap(data, size);
    return throw_errno(env, "mmap", ENOMEM);
  }
  return out;
}

}  // namespace
}  // namespace sip_sockets

NAPI_MODULE_INIT() {
  using namespace sip_sockets;
  const napi_property_descriptor functions[] = {
      {"bind", nullptr, bind_socket, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"localPort", nullptr, local_port, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"close", nullptr, close_descriptor, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sendTo", nullptr, send_to, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"routeTo", nullptr, route_to, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"createSharedMemory", nullptr, create_shared_memory, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"mapSharedMemory", nullptr, map_shared_memory, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"setBuffers", nullptr, set_buffers, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"openBatch", nullptr, open_batch, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sendBatch", nullptr, send_batch, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"closeHandle", nullptr, close_handle, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"duplicate", nullptr, duplicate, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"createEvent", nullptr, create_event, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"signalEvent", nullptr, signal_event, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"watchEvent", nullptr, watch_event, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"startSpread", nullptr, start_spread, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"openLane", nullptr, open_lane, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneAdd", nullptr, lane_add, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneRemove", nullptr, lane_remove, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneHold", nullptr, lane_hold, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneLend", nullptr, lane_lend, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneTakeBack", nullptr, lane_take_back, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneReport", nullptr, lane_report, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneRoute", nullptr, lane_route, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneForget", nullptr, lane_forget, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"laneDrain", nullptr, lane_drain, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"createPassage", nullptr, create_passage, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"emptyPassage", nullptr, empty_passage, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"openLoans", nullptr, open_loans, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"loanTake", nullptr, loan_take, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"loanWrite", nullptr, loan_write, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"loanDrop", nullptr, loan_drop, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof(functions) / sizeof(functions[0]), functions);
  return exports;
}
