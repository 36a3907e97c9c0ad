// Owns the passage of messages between the sockets of a lane and the rings of its shards.
#include "lane_flows.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "call_shard.h"
#include "passage.h"

namespace sip_sockets {
namespace {

constexpr size_t kKeptOutgoing = 32;
// Milliseconds by which ages that the kernel tells are wrong at most.
constexpr uint64_t kKernelStep = 10;

LaneFlow* flow_of(Lane* lane, const RecordHeader& record, std::string_view prefix, std::string_view text) {
  LaneFlow* flow = nullptr;
  if (record.kind == kReply) {
    flow = find_flow(lane, record.b);
  } else if (record.kind == kSend) {
    route_key(&lane->key, prefix, record.b, record.c);
    auto route = lane->routes.find(lane->key);
    if (route != lane->routes.end()) flow = find_flow(lane, route->second);
  }
  if (!flow || flow->held || flow->ended || flow->lent) return nullptr;
  // The answer that makes a WebSocket of a connection is nothing to pass by.
  return text.empty() || text.starts_with("HTTP/") ? nullptr : flow;
}

void note_unproven(LaneFlow* flow, SendName name) {
  flow->unproven[flow->unproven_count++ % kUnproven] = name;
}

void write_outgoing(LaneFlow* flow) {
  std::vector<iovec>& parts = flow->lane->parts;
  parts.clear();
  for (const Outgoing& one : flow->outgoing) parts.push_back(one.bytes);
  msghdr message = {};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t written = sendmsg(flow->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  // An error meets whoever writes what is left.
  size_t taken = written > 0 ? static_cast<size_t>(written) : 0;
  if (taken > 0) {
    flow->was_sent = true;
    flow->sent = uv_now(flow->lane->loop());
  }
  for (const Outgoing& one : flow->outgoing) {
    size_t whole = one.bytes.iov_len;
    size_t part = std::min(whole, taken);
    taken -= part;
    if (part == whole) {
      note_unproven(flow, one.name);
      continue;
    }
    flow->held = true;
    flow->rest.append(static_cast<const char*>(one.bytes.iov_base) + part, whole - part);
    flow->rest_names.push_back(one.name);
  }
  // A burst of one flow leaves no room behind that thousands would hold.
  if (flow->outgoing.capacity() > kKeptOutgoing) flow->outgoing = {};
  flow->outgoing.clear();
}

// The loop's own time stands still while it works, and the kernel's does not: what was sent before would be told as sent since.
uint64_t time_now(Lane* lane) {
  uv_update_time(lane->loop());
  return uv_now(lane->loop());
}

int32_t age(Lane* lane, bool since_report, uint64_t then) {
  if (!since_report) return -1;
  return static_cast<int32_t>(std::min<uint64_t>(uv_now(lane->loop()) - then, INT32_MAX));
}

}  // namespace

size_t pass_in(LaneFlow* flow, std::string_view bytes) {
  Lane* lane = flow->lane;
  int32_t since = arrival();
  size_t at = 0;
  while (at < bytes.size()) {
    size_t length = plain_message(bytes.substr(at), flow->limits);
    if (length == 0) break;
    std::string_view message = bytes.substr(at, length);
    size_t count = lane->shards.size();
    LaneShard& shard = lane->shards[count == 1 ? 0 : call_id_hash(find_call_id(message)) % count];
    // What finds no room is answered by JavaScript.
    if (!push_message(&shard.in, *flow, message, since)) break;
    shard.touched = true;
    at += length;
  }
  for (LaneShard& shard : lane->shards) {
    if (!shard.touched) continue;
    shard.touched = false;
    shard.in.wake(shard.event);
  }
  return at;
}

int32_t pass_out(Lane* lane, size_t shard, int32_t limit) {
  RingReader& ring = lane->shards[shard].out;
  uint32_t position = ring.position();
  // Read once: one turn takes no more than the ring holds, whatever is written meanwhile.
  uint32_t end = ring.end();
  int32_t taken = 0;
  lane->dirty.clear();
  while (taken < limit) {
    RecordHeader record;
    const uint8_t* place = ring.peek(position, end, &record);
    if (!place) break;
    auto* prefix = reinterpret_cast<const char*>(place);
    auto length = static_cast<size_t>(record.text);
    std::string_view text(prefix + record.prefix, length);
    LaneFlow* flow = flow_of(lane, record, {prefix, static_cast<size_t>(record.prefix)}, text);
    if (!flow) break;
    if (flow->outgoing.empty()) lane->dirty.push_back(flow->flow);
    flow->outgoing.push_back({{const_cast<char*>(text.data()), length}, {static_cast<int32_t>(shard), record.a}});
    position += static_cast<uint32_t>(record.size);
    taken++;
  }
  for (int32_t number : lane->dirty) write_outgoing(find_flow(lane, number));
  if (taken > 0) ring.release(position);
  return taken;
}

void route_key(std::string* key, std::string_view prefix, int32_t b, int32_t c) {
  key->assign(prefix);
  key->append(reinterpret_cast<const char*>(&b), sizeof(b));
  key->append(reinterpret_cast<const char*>(&c), sizeof(c));
}

void note_heard(LaneFlow* flow) {
  flow->was_heard = true;
  flow->heard = uv_now(flow->lane->loop());
  flow->unproven_count = 0;
}

bool lend_flow(LaneFlow* flow, int giving) {
  if (flow->held || flow->ended || flow->lent || flow->awaited != 0 || !pass_descriptor(giving, flow->fd, flow->flow)) return false;
  uv_poll_stop(&flow->poll);
  flow->lent = true;
  flow->asked = time_now(flow->lane);
  return true;
}

void ask_kernel(LaneFlow* flow) {
  uint64_t now = time_now(flow->lane);
  tcp_info told;
  socklen_t size = sizeof(told);
  if (getsockopt(flow->fd, IPPROTO_TCP, TCP_INFO, &told, &size) != 0) return;
  uint64_t span = now - flow->asked;
  flow->asked = now;
  // What may have been before was told before.
  span -= std::min(span, kKernelStep);
  if (told.tcpi_last_data_recv < span) {
    note_heard(flow);
    flow->heard = now - told.tcpi_last_data_recv;
  }
  if (told.tcpi_last_data_sent < span) {
    flow->was_sent = true;
    flow->sent = now - told.tcpi_last_data_sent;
  }
}

void report_names(Lane* lane, const SendName* names, size_t count) {
  lane->report_words[2] = static_cast<int32_t>(count);
  for (size_t i = 0; i < count; i++) {
    lane->report_words[3 + 2 * i] = names[i].shard;
    lane->report_words[4 + 2 * i] = names[i].id;
  }
}

void report_flow(LaneFlow* flow) {
  Lane* lane = flow->lane;
  if (flow->lent) ask_kernel(flow);
  lane->report_words[0] = age(lane, flow->was_heard, flow->heard);
  lane->report_words[1] = age(lane, flow->was_sent, flow->sent);
  flow->was_heard = flow->was_sent = false;
  report_names(lane, flow->unproven, std::min(flow->unproven_count, kUnproven));
}

}  // namespace sip_sockets
