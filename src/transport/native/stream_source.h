// Owns what is told of a stream connection with each message that is read from it below JavaScript.
#pragma once
#include <string>
#include <string_view>

#include "napi_args.h"
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

// What JavaScript tells of a connection: flow, port, listener, from, messageBytes, bodyBytes.
inline void read_source(napi_env env, const napi_value* told, StreamSource* source) {
  source->flow = number(env, told[0]);
  source->port = number(env, told[1]);
  source->listener = number(env, told[2]);
  source->from = text_of(env, told[3]);
  source->limits = {static_cast<size_t>(number(env, told[4])), static_cast<size_t>(number(env, told[5]))};
}

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
