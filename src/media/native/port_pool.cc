// Owns the search for a free pair of ports and the options of its sockets.
#include "port_pool.h"

#include <netinet/ip.h>
#include <unistd.h>

#include <cerrno>

#include "crypto.h"

namespace media {

namespace {

/// -1 with errno where it cannot be bound.
int open_socket(Endpoint local, uint16_t port, int tos) {
  local.set_port(port);
  const int fd = socket(local.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  const bool v6 = local.any.sa_family == AF_INET6;
  if (v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (tos > 0) setsockopt(fd, v6 ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP), v6 ? IPV6_TCLASS : IP_TOS, &tos, sizeof tos);
  if (bind(fd, &local.any, local.size()) != 0) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

}  // namespace

PortResult PortPool::open(const Endpoint& address, uint16_t first, uint16_t last, int tos, int64_t now, PortPair* out,
                          int* error) {
  Endpoint key = address;
  key.set_port(0);
  std::unique_ptr<AddressPorts>& ports = addresses_[key.text()];
  if (!ports) ports = std::make_unique<AddressPorts>();

  const size_t low = (first + 1u) / 2;
  const size_t high = last / 2 - (last % 2 == 0 ? 1 : 0);  // the last pair whose odd port is within the range
  if (last < 1 || low > high) return PortResult::kExhausted;
  const size_t count = high - low + 1;
  uint32_t random = 0;
  random_bytes(&random, sizeof random);

  for (const bool rested : {true, false}) {
    for (size_t step = 0; step < count; step++) {
      const size_t pair = low + (random + step) % count;
      if (ports->in_use[pair]) continue;
      if (rested != (ports->free_from[pair] <= now)) continue;
      const auto rtp_port = static_cast<uint16_t>(pair * 2);
      int failed = 0;
      const int rtp_fd = open_socket(address, rtp_port, tos);
      if (rtp_fd < 0) failed = errno;
      const int rtcp_fd = failed ? -1 : open_socket(address, static_cast<uint16_t>(rtp_port + 1), tos);
      if (!failed && rtcp_fd < 0) failed = errno;
      if (failed == 0) {
        ports->in_use[pair] = true;
        *out = {rtp_port, rtp_fd, rtcp_fd};
        return PortResult::kOk;
      }
      if (rtp_fd >= 0) ::close(rtp_fd);
      if (failed == EADDRINUSE || failed == EACCES) continue;  // somebody else's port
      *error = failed;
      return failed == EADDRNOTAVAIL || failed == EAFNOSUPPORT ? PortResult::kAddress : PortResult::kSystem;
    }
  }
  return PortResult::kExhausted;
}

void PortPool::give_back(const Endpoint& address, uint16_t rtp_port, int64_t now) {
  Endpoint key = address;
  key.set_port(0);
  const auto found = addresses_.find(key.text());
  if (found == addresses_.end()) return;
  found->second->in_use[rtp_port / 2] = false;
  found->second->free_from[rtp_port / 2] = now + kRest;
}

}  // namespace media
