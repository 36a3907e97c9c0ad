// Owns the text forms and the comparison of endpoints.
#include "endpoint.h"

#include <arpa/inet.h>

#include <cstring>

namespace media {

Endpoint::Endpoint() { std::memset(static_cast<void*>(this), 0, sizeof *this); }

uint16_t Endpoint::port() const { return ntohs(any.sa_family == AF_INET6 ? v6.sin6_port : v4.sin_port); }

void Endpoint::set_port(uint16_t port) {
  if (any.sa_family == AF_INET6) {
    v6.sin6_port = htons(port);
  } else {
    v4.sin_port = htons(port);
  }
}

bool Endpoint::same_address(const Endpoint& other) const {
  if (any.sa_family != other.any.sa_family) return false;
  if (any.sa_family == AF_INET6) return std::memcmp(&v6.sin6_addr, &other.v6.sin6_addr, sizeof v6.sin6_addr) == 0;
  return v4.sin_addr.s_addr == other.v4.sin_addr.s_addr;
}

bool Endpoint::operator==(const Endpoint& other) const {
  return any.sa_family == other.any.sa_family && v4.sin_port == other.v4.sin_port && same_address(other);
}

std::string Endpoint::text() const {
  char address[INET6_ADDRSTRLEN] = "";
  if (any.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &v6.sin6_addr, address, sizeof address);
    return "[" + std::string(address) + "]:" + std::to_string(port());
  }
  if (any.sa_family != AF_INET) return "";
  inet_ntop(AF_INET, &v4.sin_addr, address, sizeof address);
  return std::string(address) + ":" + std::to_string(port());
}

bool Endpoint::parse(const char* address, uint16_t port, Endpoint* out) {
  Endpoint result;
  if (inet_pton(AF_INET, address, &result.v4.sin_addr) == 1) {
    result.v4.sin_family = AF_INET;
  } else if (inet_pton(AF_INET6, address, &result.v6.sin6_addr) == 1) {
    result.v6.sin6_family = AF_INET6;
  } else {
    return false;
  }
  result.set_port(port);
  *out = result;
  return true;
}

}  // namespace media
