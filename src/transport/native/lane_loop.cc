// Owns the lane's place in the event loop, and what is told to JavaScript when messages are not plain.
#include "lane_loop.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace sip_sockets {
namespace {

void end_reading(LaneFlow* flow, int code) {
  Lane* lane = flow->lane;
  flow->ended = true;
  uv_poll_stop(&flow->poll);
  lane->call(lane->ended, flow->flow, code);
}

void release_flow(uv_handle_t* handle) {
  delete static_cast<LaneFlow*>(handle->data);
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
  if (flow->closing || flow->ended || flow->lent) return;
  ssize_t count = 0;
  if (status >= 0) count = recv(flow->fd, lane->bytes, kStreamRead, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    end_reading(flow, count < 0 ? errno : 0);
    return;
  }
  note_heard(flow);
  std::string_view bytes(lane->bytes, static_cast<size_t>(count));
  while (!bytes.empty() && !flow->closing && !flow->ended) {
    if (flow->awaited == 0) bytes.remove_prefix(pass_in(flow, bytes));
    if (bytes.empty()) return;
    size_t told = for_script(flow, bytes);
    flow->awaited = lane->call(lane->received, flow->flow, bytes.substr(0, told)).value_or(kAwaitAll);
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
    std::string rest = std::exchange(flow->rest, {});
    report_names(lane, flow->rest_names.data(), flow->rest_names.size());
    flow->rest_names.clear();
    lane->call(lane->unsent, flow->flow, std::string_view(rest));
  }
  lane->draining = false;
  return taken;
}

void Lane::readable() {
  uint64_t count;
  if (::read(fd, &count, sizeof(count)) < 0) return;
  bool left = false;
  // Every ring is told, whatever the others say: a writer must find each of them asleep.
  for (size_t i = 0; i < shards.size(); i++) {
    int32_t taken;
    bool idle;
    int32_t most = kLaneTurn;
    do {
      taken = drain_lane(this, i, most);
      if (closing) return;
      most -= taken;
      idle = shards[i].out.sleep();
    } while (!idle && taken > 0 && most > 0);
    if (!idle) left = true;
  }
  if (left) call(woken);
}

void close_flow(LaneFlow* flow) {
  flow->closing = true;
  // The far end sees the end at once, whatever another descriptor of the socket does.
  if (flow->lent) shutdown(flow->fd, SHUT_RDWR);
  uv_close(reinterpret_cast<uv_handle_t*>(&flow->poll), release_flow);
  ::close(flow->fd);
}

void Lane::stop() {
  WatchedDescriptor::stop();
  for (auto& [number, flow] : flows) close_flow(flow);
  flows.clear();
}

}  // namespace sip_sockets
