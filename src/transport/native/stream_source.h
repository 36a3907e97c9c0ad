// Owns what is told of a stream connection with each message that is read from it below JavaScript.
#pragma once
#include <string>
#include <string_view>

#include "plain_message.h"
#include "queue_age.h"
#include "record_kinds.h"
#include "shared_ring.h"

namespace sip_sockets {

constexpr size_t kStreamRead = 65536;

struct StreamSource {
  int32_t flow;
  int32_t port;
  int32_t listener;
  std::string from;  // `transport address`
  MessageLimits limits;
};

// When what is read now arrived, as records tell it.
inline int32_t arrival() {
  return static_cast<int32_t>(static_cast<uint32_t>(microseconds(CLOCK_MONOTONIC)));
}

// False when the ring has no room.
inline bool push_message(RingWriter* ring, const StreamSource& source, std::string_view message, int32_t since) {
  auto from = static_cast<int32_t>(source.from.size());
  auto length = static_cast<int32_t>(message.size());
  RecordHeader record = {0, kMessage, source.flow, source.port, source.listener, from, length, since};
  return ring->try_push(record, source.from.data(), message.data());
}

}  // namespace sip_sockets
