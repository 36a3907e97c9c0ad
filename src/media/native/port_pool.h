// Owns which media ports of an address are in use, and opens their sockets.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "endpoint.h"

namespace media {

/// An even port for RTP and the odd one above it for RTCP (RFC 3550 11), both bound.
struct PortPair {
  uint16_t rtp_port = 0;
  int rtp_fd = -1;
  int rtcp_fd = -1;
};

enum class PortResult : uint8_t { kOk, kExhausted, kAddress, kSystem };

class PortPool {
 public:
  /// A port just given back is not handed out for this long while others are free: packets of the ended call may
  /// still be under way, and would be taken for the new one's. Milliseconds.
  static constexpr int64_t kRest = 10'000;

  /// Binds a free pair of `range`, beginning the search at a random place. `error` is errno for kAddress and kSystem.
  PortResult open(const Endpoint& address, uint16_t first, uint16_t last, int tos, int64_t now, PortPair* out, int* error);
  /// The sockets are closed by whoever has them by then.
  void give_back(const Endpoint& address, uint16_t rtp_port, int64_t now);

 private:
  static constexpr size_t kPairs = 32768;
  struct AddressPorts {
    std::vector<bool> in_use = std::vector<bool>(kPairs);
    std::vector<int64_t> free_from = std::vector<int64_t>(kPairs);
  };
  std::map<std::string, std::unique_ptr<AddressPorts>> addresses_;  // by address, port aside; those of the configuration
};

}  // namespace media
