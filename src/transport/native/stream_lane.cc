// Owns the lane as JavaScript sees it.
// TypeScript (stream-lane.ts) calls nothing of a lane that it closed; this file trusts its arguments.
#include "stream_lane.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "lane_flows.h"
#include "lane_loop.h"
#include "passage.h"

namespace sip_sockets {
namespace {

// The last quarter of the descriptors is for connections, not for second names of theirs.
int second_descriptor(int fd) {
  int second = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (second < 0 || leaves_a_quarter(second)) return second;
  ::close(second);
  return -1;
}

}  // namespace

napi_value open_lane(napi_env env, napi_callback_info info) {
  napi_value args[11];
  arguments(env, info, args);
  auto* lane = WatchedDescriptor::open<Lane>(env, number(env, args[5]), "signalbox:lane");
  if (!lane) return nullptr;
  auto capacity = static_cast<uint32_t>(number(env, args[3]));
  each(env, args[0], [&](napi_value memory) {
    lane->keep(memory);
    uint8_t* rings = memory_of(env, memory);
    lane->shards.push_back({ring_at<RingWriter>(rings + number(env, args[1]), capacity),
                            ring_at<RingReader>(rings + number(env, args[2]), capacity), -1, false});
  });
  size_t shard = 0;
  each(env, args[4], [&](napi_value event) { lane->shards[shard++].event = number(env, event); });
  lane->keep(args[6]);
  lane->report_words = data_of<int32_t>(env, args[6]);
  lane->received = lane->keep(args[7]);
  lane->unsent = lane->keep(args[8]);
  lane->ended = lane->keep(args[9]);
  lane->woken = lane->keep(args[10]);
  lane->start();
  return lane->hand_out();
}

napi_value lane_add(napi_env env, napi_callback_info info) {
  napi_value args[8];
  auto* lane = subject<Lane>(env, info, args);
  int32_t id = number(env, args[2]);
  int fd = find_flow(lane, id) ? -1 : second_descriptor(number(env, args[1]));
  if (fd < 0) return to_js(env, false);
  auto* flow = new (std::nothrow) LaneFlow();
  if (!flow || uv_poll_init(lane->loop(), &flow->poll, fd) != 0) {
    delete flow;
    ::close(fd);
    return to_js(env, false);
  }
  flow->lane = lane;
  flow->poll.data = flow;
  flow->fd = fd;
  read_source(env, args + 2, flow);
  lane->flows.emplace(id, flow);
  uv_poll_start(&flow->poll, UV_READABLE, flow_readable);
  return to_js(env, true);
}

napi_value lane_remove(napi_env env, napi_callback_info info) {
  napi_value args[2];
  auto* lane = subject<Lane>(env, info, args);
  auto found = lane->flows.find(number(env, args[1]));
  if (found == lane->flows.end()) return nullptr;
  close_flow(found->second);
  lane->flows.erase(found);
  return nullptr;
}

napi_value lane_hold(napi_env env, napi_callback_info info) {
  napi_value args[3];
  auto* lane = subject<Lane>(env, info, args);
  if (LaneFlow* flow = find_flow(lane, number(env, args[1]))) napi_get_value_bool(env, args[2], &flow->held);
  return nullptr;
}

napi_value lane_lend(napi_env env, napi_callback_info info) {
  napi_value args[3];
  auto* lane = subject<Lane>(env, info, args);
  LaneFlow* flow = find_flow(lane, number(env, args[1]));
  return to_js(env, flow != nullptr && lend_flow(flow, number(env, args[2])));
}

napi_value lane_take_back(napi_env env, napi_callback_info info) {
  napi_value args[2];
  auto* lane = subject<Lane>(env, info, args);
  LaneFlow* flow = find_flow(lane, number(env, args[1]));
  if (!flow || !flow->lent) return nullptr;
  ask_kernel(flow);
  flow->lent = false;
  uv_poll_start(&flow->poll, UV_READABLE, flow_readable);
  return nullptr;
}

napi_value lane_report(napi_env env, napi_callback_info info) {
  napi_value args[2];
  auto* lane = subject<Lane>(env, info, args);
  LaneFlow* flow = find_flow(lane, number(env, args[1]));
  if (flow) report_flow(flow);
  return to_js(env, flow != nullptr);
}

napi_value lane_route(napi_env env, napi_callback_info info) {
  napi_value args[5];
  auto* lane = subject<Lane>(env, info, args);
  int32_t flow = number(env, args[4]);
  if (!find_flow(lane, flow)) return nullptr;
  if (lane->routes.size() >= kRoutes) lane->routes.clear();
  route_key(&lane->key, text_of(env, args[1]), number(env, args[2]), number(env, args[3]));
  lane->routes[lane->key] = flow;
  return nullptr;
}

napi_value lane_forget(napi_env env, napi_callback_info info) {
  napi_value args[1];
  subject<Lane>(env, info, args)->routes.clear();
  return nullptr;
}

napi_value lane_drain(napi_env env, napi_callback_info info) {
  napi_value args[3];
  auto* lane = subject<Lane>(env, info, args);
  int32_t limit = std::min(number(env, args[2]), kLaneTurn);
  return to_js(env, drain_lane(lane, static_cast<size_t>(number(env, args[1])), limit));
}

}  // namespace sip_sockets
