// Owns the system calls of a packet's way, made directly: the C library's are points of cancellation, and in a process
// of several threads each of those costs two locked instructions.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "endpoint.h"

namespace media {

/// As recvmmsg(2), without waiting.
inline int receive_datagrams(int fd, mmsghdr* messages, unsigned count) {
  return static_cast<int>(syscall(SYS_recvmmsg, fd, messages, count, MSG_DONTWAIT, nullptr));
}

/// As sendto(2), without waiting.
inline ssize_t send_datagram(int fd, const uint8_t* data, size_t length, const Endpoint& to) {
  return syscall(SYS_sendto, fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, to.size());
}

/// As sendmmsg(2), without waiting.
inline int send_datagrams(int fd, mmsghdr* messages, unsigned count) {
  return static_cast<int>(syscall(SYS_sendmmsg, fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace media
