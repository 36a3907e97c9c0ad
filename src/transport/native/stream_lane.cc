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
#include "napi_args.h"

namespace sip_sockets {
namespace {

void at_exit(void* data) {
  stop_lane(static_cast<Lane*>(data));
}

template <size_t N>
Lane* lane_of(napi_env env, napi_callback_info info, napi_value (&args)[N]) {
  arguments(env, info, args);
  void* data = nullptr;
  napi_get_value_external(env, args[0], &data);
  return static_cast<Lane*>(data);
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
  arguments(env, info, args);
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
  auto capacity = static_cast<uint32_t>(number(env, args[3]));
  each(env, args[0], [&](napi_value memory) {
    napi_ref kept;
    napi_create_reference(env, memory, 1, &kept);
    lane->memories.push_back(kept);
    uint8_t* rings = memory_of(env, memory);
    lane->shards.push_back({ring_at<RingWriter>(rings + number(env, args[1]), capacity),
                            ring_at<RingReader>(rings + number(env, args[2]), capacity), -1, false});
  });
  size_t shard = 0;
  each(env, args[4], [&](napi_value event) { lane->shards[shard++].event = number(env, event); });
  lane->report_words = data_of<int32_t>(env, args[6]);
  napi_ref* references[] = {&lane->report, &lane->received, &lane->unsent, &lane->ended, &lane->woken};
  for (size_t i = 0; i < 5; i++) napi_create_reference(env, args[6 + i], 1, references[i]);
  napi_async_init(env, nullptr, to_js(env, std::string_view("signalbox:lane")), &lane->context);
  uv_poll_start(&lane->poll, UV_READABLE, lane_readable);
  napi_add_env_cleanup_hook(env, at_exit, lane);
  napi_value handle;
  napi_create_external(env, lane, nullptr, nullptr, &handle);
  return handle;
}

napi_value close_lane(napi_env env, napi_callback_info info) {
  napi_value args[1];
  Lane* lane = lane_of(env, info, args);
  napi_remove_env_cleanup_hook(env, at_exit, lane);
  stop_lane(lane);
  return nullptr;
}

napi_value lane_add(napi_env env, napi_callback_info info) {
  napi_value args[8];
  Lane* lane = lane_of(env, info, args);
  int32_t id = number(env, args[2]);
  int fd = find_flow(lane, id) ? -1 : second_descriptor(number(env, args[1]));
  if (fd < 0) return to_js(env, false);
  auto* flow = new (std::nothrow) LaneFlow();
  if (!flow || uv_poll_init(lane->loop, &flow->poll, fd) != 0) {
    delete flow;
    ::close(fd);
    return to_js(env, false);
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
  return to_js(env, true);
}

napi_value lane_remove(napi_env env, napi_callback_info info) {
  napi_value args[2];
  Lane* lane = lane_of(env, info, args);
  auto found = lane->flows.find(number(env, args[1]));
  if (found == lane->flows.end()) return nullptr;
  close_flow(found->second);
  lane->flows.erase(found);
  return nullptr;
}

napi_value lane_hold(napi_env env, napi_callback_info info) {
  napi_value args[3];
  Lane* lane = lane_of(env, info, args);
  if (LaneFlow* flow = find_flow(lane, number(env, args[1]))) napi_get_value_bool(env, args[2], &flow->held);
  return nullptr;
}

napi_value lane_report(napi_env env, napi_callback_info info) {
  napi_value args[2];
  Lane* lane = lane_of(env, info, args);
  LaneFlow* flow = find_flow(lane, number(env, args[1]));
  if (flow) report_flow(flow);
  return to_js(env, flow != nullptr);
}

napi_value lane_route(napi_env env, napi_callback_info info) {
  napi_value args[5];
  Lane* lane = lane_of(env, info, args);
  int32_t flow = number(env, args[4]);
  if (!find_flow(lane, flow)) return nullptr;
  if (lane->routes.size() >= kRoutes) lane->routes.clear();
  route_key(&lane->key, text_of(env, args[1]), number(env, args[2]), number(env, args[3]));
  lane->routes[lane->key] = flow;
  return nullptr;
}

napi_value lane_forget(napi_env env, napi_callback_info info) {
  napi_value args[1];
  lane_of(env, info, args)->routes.clear();
  return nullptr;
}

napi_value lane_drain(napi_env env, napi_callback_info info) {
  napi_value args[3];
  Lane* lane = lane_of(env, info, args);
  int32_t limit = std::min(number(env, args[2]), kLaneTurn);
  return to_js(env, drain_lane(lane, static_cast<size_t>(number(env, args[1])), limit));
}

}  // namespace sip_sockets
