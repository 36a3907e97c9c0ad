// Owns the lane's place in the event loop, and what is told to JavaScript when messages are not plain.
#include "lane_loop.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "napi_args.h"

namespace sip_sockets {
namespace {

// Calls a function of JavaScript; its answer as a number.
template <size_t N>
int32_t call(Lane* lane, napi_ref reference, napi_value (&args)[N], size_t count = N) {
  napi_env env = lane->env;
  napi_value function, receiver, answer = nullptr;
  napi_get_reference_value(env, reference, &function);
  napi_get_global(env, &receiver);
  if (napi_make_callback(env, lane->context, receiver, function, count, args, &answer) == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
    return kAwaitAll;
  }
  int32_t number = kAwaitAll;
  if (answer) napi_get_value_int32(env, answer, &number);
  return number;
}

// Tells a flow's number and a text.
int32_t tell(Lane* lane, napi_ref reference, int32_t flow, std::string_view text) {
  napi_handle_scope scope;
  napi_open_handle_scope(lane->env, &scope);
  napi_value args[] = {to_js(lane->env, flow), to_js(lane->env, text)};
  int32_t answer = call(lane, reference, args);
  napi_close_handle_scope(lane->env, scope);
  return answer;
}

void end_reading(LaneFlow* flow, int code) {
  Lane* lane = flow->lane;
  flow->ended = true;
  uv_poll_stop(&flow->poll);
  napi_handle_scope scope;
  napi_open_handle_scope(lane->env, &scope);
  napi_value args[] = {to_js(lane->env, flow->flow), to_js(lane->env, code)};
  call(lane, lane->ended, args);
  napi_close_handle_scope(lane->env, scope);
}

void release_flow(uv_handle_t* handle) {
  delete static_cast<LaneFlow*>(handle->data);
}

void release_lane(uv_handle_t* handle) {
  delete static_cast<Lane*>(handle->data);
}

// Bytes of what came that JavaScript is to be told next.
size_t for_script(const LaneFlow* flow, std::string_view bytes) {
  if (flow->awaited > 0) return std::min(static_cast<size_t>(flow->awaited), bytes.size());
  if (flow->awaited != kAwaitHead) return bytes.size();
  size_t blank = bytes.find("\r\n\r\n");
  return blank == std::string_view::npos ? bytes.size() : blank + 4;
}

}  // namespace

// One read a turn: the other flows must have theirs.
void flow_readable(uv_poll_t* poll, int status, int) {
  auto* flow = static_cast<LaneFlow*>(poll->data);
  Lane* lane = flow->lane;
  if (flow->closing || flow->ended) return;
  ssize_t count = 0;
  if (status >= 0) count = recv(flow->fd, lane->bytes.get(), kLaneRead, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    end_reading(flow, count < 0 ? errno : 0);
    return;
  }
  note_heard(flow);
  std::string_view bytes(lane->bytes.get(), static_cast<size_t>(count));
  while (!bytes.empty() && !flow->closing && !flow->ended) {
    if (flow->awaited == 0) bytes.remove_prefix(pass_in(flow, bytes));
    if (bytes.empty()) return;
    size_t told = for_script(flow, bytes);
    flow->awaited = tell(lane, lane->received, flow->flow, bytes.substr(0, told));
    bytes.remove_prefix(told);
  }
}

int32_t drain_lane(Lane* lane, size_t shard, int32_t limit) {
  if (lane->draining) return 0;
  lane->draining = true;
  int32_t taken = pass_out(lane, shard, limit);
  for (size_t i = 0; i < lane->dirty.size(); i++) {
    LaneFlow* flow = find_flow(lane, lane->dirty[i]);
    if (!flow || flow->rest.empty()) continue;
    std::string rest;
    rest.swap(flow->rest);
    report_names(lane, flow->rest_names.data(), flow->rest_names.size());
    flow->rest_names.clear();
    tell(lane, lane->unsent, flow->flow, rest);
  }
  lane->draining = false;
  return taken;
}

void lane_readable(uv_poll_t* poll, int status, int) {
  auto* lane = static_cast<Lane*>(poll->data);
  uint64_t count;
  if (status < 0 || lane->closing || ::read(lane->event, &count, sizeof(count)) < 0) return;
  bool left = false;
  // Every ring is told, whatever the others say: a writer must find each of them asleep.
  for (size_t i = 0; i < lane->shards.size() && !lane->closing; i++) {
    int32_t taken;
    bool idle;
    int32_t most = kLaneTurn;
    do {
      taken = drain_lane(lane, i, most);
      most -= taken;
      idle = lane->shards[i].out.sleep();
    } while (!idle && taken > 0 && most > 0 && !lane->closing);
    if (!idle) left = true;
  }
  if (!left || lane->closing) return;
  napi_handle_scope scope;
  napi_open_handle_scope(lane->env, &scope);
  napi_value none[1];
  call(lane, lane->woken, none, 0);
  napi_close_handle_scope(lane->env, scope);
}

void close_flow(LaneFlow* flow) {
  flow->closing = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&flow->poll), release_flow);
  ::close(flow->fd);
}

void stop_lane(Lane* lane) {
  lane->closing = true;
  for (auto& [number, flow] : lane->flows) close_flow(flow);
  lane->flows.clear();
  lane->routes.clear();
  for (napi_ref memory : lane->memories) napi_delete_reference(lane->env, memory);
  for (napi_ref one : {lane->received, lane->unsent, lane->ended, lane->woken, lane->report}) {
    napi_delete_reference(lane->env, one);
  }
  napi_async_destroy(lane->env, lane->context);
  uv_close(reinterpret_cast<uv_handle_t*>(&lane->poll), release_lane);
}

}  // namespace sip_sockets
