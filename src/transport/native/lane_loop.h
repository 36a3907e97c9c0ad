// Owns the lane's place in the event loop.
#pragma once
#include "lane_flows.h"

namespace sip_sockets {

// The socket of a flow has something.
void flow_readable(uv_poll_t* poll, int status, int events);
// As laneDrain of stream_lane.h.
int32_t drain_lane(Lane* lane, size_t shard, int32_t limit);
// The flow's descriptor is closed at once, the flow freed by the event loop.
void close_flow(LaneFlow* flow);

}  // namespace sip_sockets
