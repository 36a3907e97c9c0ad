// Owns what a lane knows: its shards, its flows, and where sends go. The flows' bytes are moved by lane_flows.cc.
#pragma once
#include <sys/uio.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "stream_source.h"
#include "watched_descriptor.h"

namespace sip_sockets {

constexpr int32_t kLaneTurn = 256;
// Sends that are remembered until the far end is heard, as in ../connection.ts.
constexpr size_t kUnproven = 32;
constexpr size_t kRoutes = 1024;
constexpr size_t kReportWords = 3 + 2 * kLaneTurn;

// Everything; everything up to a blank line.
constexpr int32_t kAwaitAll = -1;
constexpr int32_t kAwaitHead = -2;

// The number that a shard gave a send.
struct SendName {
  int32_t shard;
  int32_t id;
};

struct Outgoing {
  iovec bytes;
  SendName name;
};

struct Lane;

struct LaneFlow : StreamSource {
  Lane* lane;
  uv_poll_t poll;
  int fd;  // Owned: a duplicate.
  int32_t awaited = 0;    // What JavaScript has to be given before anything plain can begin: bytes, or one of the below.
  bool held = false;      // Bytes wait in JavaScript.
  bool ended = false;     // Nothing more is read.
  bool lent = false;      // A worker reads and writes it.
  uint64_t asked = 0;     // When a lent one was last asked about, or lent.
  bool closing = false;
  bool was_heard = false;  // Since the last report.
  bool was_sent = false;
  uint64_t heard = 0;  // Milliseconds of the loop.
  uint64_t sent = 0;
  SendName unproven[kUnproven];
  size_t unproven_count = 0;  // Ever since the far end was last heard.
  std::vector<Outgoing> outgoing;  // Of the turn, in the memory of the ring.
  std::string rest;                // What the kernel did not take, and of which sends.
  std::vector<SendName> rest_names;
};

struct LaneShard {
  RingWriter in;
  RingReader out;
  int event;  // Borrowed.
  bool touched;
};

// Watches the eventfd by which it is told that some ring `out` has something, and keeps the mappings of its shards.
struct Lane : WatchedDescriptor {
  napi_ref received, unsent, ended, woken;  // Kept.
  int32_t* report_words;                    // Borrowed from an array that is kept.
  std::vector<LaneShard> shards;
  std::unordered_map<int32_t, LaneFlow*> flows;  // Owned, until their handles are closed.
  std::unordered_map<std::string, int32_t> routes;
  std::string key;  // Room for the key of a route.
  std::vector<int32_t> dirty;  // Flows with something outgoing.
  std::vector<iovec> parts;    // Room for one write: as many as a turn has records.
  char bytes[kStreamRead];
  bool draining;

 protected:
  void readable() override;
  void stop() override;
};

inline LaneFlow* find_flow(Lane* lane, int32_t flow) {
  auto found = lane->flows.find(flow);
  return found == lane->flows.end() ? nullptr : found->second;
}

// Puts the plain messages that `bytes` begins with into the rings of their shards. Returns the bytes they have.
size_t pass_in(LaneFlow* flow, std::string_view bytes);
// Takes up to `limit` records from the ring of a shard, as long as they are for flows of the lane, and writes them. What the
// kernel does not take is left in `rest` of the flows in `dirty`.
int32_t pass_out(Lane* lane, size_t shard, int32_t limit);
// The key of a route.
void route_key(std::string* key, std::string_view prefix, int32_t b, int32_t c);
void note_heard(LaneFlow* flow);
// What passed between the far end and whoever the flow is lent to, as the kernel knows it.
void ask_kernel(LaneFlow* flow);
// Lends the flow through a passage; false when that has no room. Nothing of it is for the lane until it is taken back.
bool lend_flow(LaneFlow* flow, int giving);
// Fills the report.
void report_flow(LaneFlow* flow);
void report_names(Lane* lane, const SendName* names, size_t count);

}  // namespace sip_sockets
