// Owns the lane as JavaScript sees it.
// TypeScript (stream-lane.ts) calls nothing of a lane that it closed; this file trusts its arguments.
#include "stream_lane.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "lane_flows.h"
#include "lane_loop.h"

namespace sip_sockets {
namespace {

void at_exit(void* data) {
  stop_lane(static_cast<Lane*>(data));
}

int32_t number(napi_env env, napi_value value) {
  int32_t out = 0;
  napi_get_value_int32(env, value, &out);
  return out;
}

// A text of latin1.
std::string text_of(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_latin1(env, value, nullptr, 0, &length);
  std::string out(length, '\0');
  napi_get_value_string_latin1(env, value, out.data(), length + 1, &length);
  return out;
}

template <size_t N>
Lane* arguments(napi_env env, napi_callback_info info, napi_value (&args)[N]) {
  size_t count = N;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  void* data = nullptr;
  napi_get_value_external(env, args[0], &data);
  return static_cast<Lane*>(data);
}

napi_value truth(napi_env env, bool value) {
  napi_value out;
  napi_get_boolean(env, value, &out);
  return out;
}

// The last quarter of the descriptors is for connections, not for second names of theirs.
int second_descriptor(int fd) {
  int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  rlimit most;
  if (second < 0 || getrlimit(RLIMIT_NOFILE, &most) != 0 || most.rlim_cur == RLIM_INFINITY) return second;
  if (static_cast<rlim_t>(second) < most.rlim_cur - most.rlim_cur / 4) return second;
  ::close(second);
  return -1;
}

}  // namespace

napi_value open_lane(napi_env env, napi_callback_info info) {
  napi_value args[11];
  size_t count = 11;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  auto* lane = new (std::nothrow) Lane();
  if (lane) lane->bytes.reset(new (std::nothrow) char[kLaneRead]);
  if (!lane || !lane->bytes) {
    delete lane;
    napi_throw_error(env, "ENOMEM", "openLane: out of memory");
    return nullptr;
  }
  lane->env = env;
  lane->event = number(env, args[5]);
  napi_get_uv_event_loop(env, &lane->loop);
  int failed = uv_poll_init(lane->loop, &lane->poll, lane->event);
  if (failed != 0) {
    delete lane;
    napi_throw_error(env, uv_err_name(failed), uv_strerror(failed));
    return nullptr;
  }
  lane->poll.data = lane;
  uint32_t shards = 0;
  napi_get_array_length(env, args[0], &shards);
  auto capacity = static_cast<uint32_t>(number(env, args[3]));
  for (uint32_t i = 0; i < shards; i++) {
    napi_value memory, event;
    napi_get_element(env, args[0], i, &memory);
    napi_get_element(env, args[4], i, &event);
    void* data = nullptr;
    napi_get_arraybuffer_info(env, memory, &data, nullptr);
    napi_ref kept;
    napi_create_reference(env, memory, 1, &kept);
    lane->memories.push_back(kept);
    auto* in = static_cast<uint8_t*>(data) + number(env, args[1]);
    auto* out = static_cast<uint8_t*>(data) + number(env, args[2]);
    lane->shards.push_back({{reinterpret_cast<RingHeader*>(in), in + sizeof(RingHeader), capacity},
                            {reinterpret_cast<RingHeader*>(out), out + sizeof(RingHeader), capacity},
                            number(env, event),
                            false});
  }
  void* words = nullptr;
  napi_get_typedarray_info(env, args[6], nullptr, nullptr, &words, nullptr, nullptr);
  lane->report_words = static_cast<int32_t*>(words);
  napi_ref* references[] = {&lane->report, &lane->received, &lane->unsent, &lane->ended, &lane->woken};
  for (size_t i = 0; i < 5; i++) napi_create_reference(env, args[6 + i], 1, references[i]);
  napi_value name;
  napi_create_string_latin1(env, "signalbox:lane", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &lane->context);
  uv_poll_start(&lane->poll, UV_READABLE, lane_readable);
  napi_add_env_cleanup_hook(env, at_exit, lane);
  napi_value handle;
  napi_create_external(env, lane, nullptr, nullptr, &handle);
  return handle;
}

napi_value close_lane(napi_env env, napi_callback_info info) {
  napi_value args[1];
  Lane* lane = arguments(env, info, args);
  napi_remove_env_cleanup_hook(env, at_exit, lane);
  stop_lane(lane);
  return nullptr;
}

napi_value lane_add(napi_env env, napi_callback_info info) {
  napi_value args[8];
  Lane* lane = arguments(env, info, args);
  int32_t id = number(env, args[2]);
  int fd = find_flow(lane, id) ? -1 : second_descriptor(number(env, args[1]));
  if (fd < 0) return truth(env, false);
  auto* flow = new (std::nothrow) LaneFlow();
  if (!flow || uv_poll_init(lane->loop, &flow->poll, fd) != 0) {
    delete flow;
    ::close(fd);
    return truth(env, false);
  }
  flow->lane = lane;
  flow->poll.data = flow;
  flow->fd = fd;
  flow->flow = id;
  flow->port = number(env, args[3]);
  flow->listener = number(env, args[4]);
  flow->from = text_of(env, args[5]);
  flow->limits = {static_cast<size_t>(number(env, args[6])), static_cast<size_t>(number(env, args[7]))};
  lane->flows.emplace(id, flow);
  uv_poll_start(&flow->poll, UV_READABLE, flow_readable);
  return truth(env, true);
}

napi_value lane_remove(napi_env env, napi_callback_info info) {
  napi_value args[2];
  Lane* lane = arguments(env, info, args);
  auto found = lane->flows.find(number(env, args[1]));
  if (found == lane->flows.end()) return nullptr;
  close_flow(found->second);
  lane->flows.erase(found);
  return nullptr;
}

napi_value lane_hold(napi_env env, napi_callback_info info) {
  napi_value args[3];
  Lane* lane = arguments(env, info, args);
  if (LaneFlow* flow = find_flow(lane, number(env, args[1]))) napi_get_value_bool(env, args[2], &flow->held);
  return nullptr;
}

napi_value lane_report(napi_env env, napi_callback_info info) {
  napi_value args[2];
  Lane* lane = arguments(env, info, args);
  LaneFlow* flow = find_flow(lane, number(env, args[1]));
  if (flow) report_flow(flow);
  return truth(env, flow != nullptr);
}

napi_value lane_route(napi_env env, napi_callback_info info) {
  napi_value args[5];
  Lane* lane = arguments(env, info, args);
  int32_t flow = number(env, args[4]);
  if (!find_flow(lane, flow)) return nullptr;
  if (lane->routes.size() >= kRoutes) lane->routes.clear();
  route_key(&lane->key, text_of(env, args[1]), number(env, args[2]), number(env, args[3]));
  lane->routes[lane->key] = flow;
  return nullptr;
}

napi_value lane_forget(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args)->routes.clear();
  return nullptr;
}

napi_value lane_drain(napi_env env, napi_callback_info info) {
  napi_value args[3];
  Lane* lane = arguments(env, info, args);
  int32_t limit = std::min(number(env, args[2]), kLaneTurn);
  napi_value out;
  napi_create_int32(env, drain_lane(lane, static_cast<size_t>(number(env, args[1])), limit), &out);
  return out;
}

}  // namespace sip_sockets
