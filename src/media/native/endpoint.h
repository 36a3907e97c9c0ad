// Owns a numeric address and port of either family: parse, compare, print.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace media {

/// An IPv4 or IPv6 address with its port, laid out as the kernel wants it. Family AF_UNSPEC: none.
struct Endpoint {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };

  Endpoint();

  bool known() const { return any.sa_family != AF_UNSPEC; }
  socklen_t size() const { return any.sa_family == AF_INET6 ? sizeof v6 : sizeof v4; }
  uint16_t port() const;
  void set_port(uint16_t port);
  bool same_address(const Endpoint& other) const;
  bool operator==(const Endpoint& other) const;
  /// "192.0.2.1:4000" or "[2001:db8::1]:4000"; "" when unknown.
  std::string text() const;

  /// A numeric address, without brackets; false when it is none.
  static bool parse(const char* address, uint16_t port, Endpoint* out);
};

}  // namespace media
