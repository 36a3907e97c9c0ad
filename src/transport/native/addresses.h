// Owns the change between numeric address text and socket addresses.
#pragma once
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>

namespace sip_sockets {

// Fills `out` from numeric text, IPv6 with an optional %zone. Returns its length, 0 when the text is no address.
inline socklen_t parse_address(const char* text, uint16_t port, sockaddr_storage* out) {
  std::memset(out, 0, sizeof(*out));
  auto* four = reinterpret_cast<sockaddr_in*>(out);
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    return sizeof(sockaddr_in);
  }
  char plain[INET6_ADDRSTRLEN];
  const char* zone = std::strchr(text, '%');
  size_t length = zone ? static_cast<size_t>(zone - text) : std::strlen(text);
  if (length >= sizeof(plain)) return 0;
  std::memcpy(plain, text, length);
  plain[length] = '\0';
  auto* six = reinterpret_cast<sockaddr_in6*>(out);
  if (inet_pton(AF_INET6, plain, &six->sin6_addr) != 1) return 0;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  if (zone) six->sin6_scope_id = if_nametoindex(zone + 1);
  return sizeof(sockaddr_in6);
}

}  // namespace sip_sockets
