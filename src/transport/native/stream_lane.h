// Owns the lane as JavaScript sees it: plain SIP over TCP that passes between sockets and the rings of shards without it.
#pragma once
#include <node_api.h>

namespace sip_sockets {

// openLane(memories, inOffset, outOffset, capacity, events, event, report, received, unsent, ended, woken) -> handle
//   memories and events: of each shard its mapping and eventfd. `event` wakes the lane: something may lie in a ring `out`.
//   report: Int32Array of kReportWords, filled by laneReport and before `unsent`: milliseconds since the far end was last heard
//   and last written to (-1: not since the last report), a count, and that many pairs of shard and number of a send.
//   received(flow, text) -> what has to be told besides, before plain messages can begin: bytes, kAwaitAll or kAwaitHead.
//   unsent(flow, text): what the kernel did not take, of the sends in the report. The flow is held.
//   ended(flow, errno): nothing more is read; 0: the socket tells why.
//   woken(): the rings hold what is not for the lane.
napi_value open_lane(napi_env env, napi_callback_info info);
// laneAdd(handle, descriptor, flow, port, listener, from, messageBytes, bodyBytes) -> whether it was taken. The descriptor stays
//   the caller's, who reads nothing from it meanwhile.
napi_value lane_add(napi_env env, napi_callback_info info);
// laneRemove(handle, flow)
napi_value lane_remove(napi_env env, napi_callback_info info);
// laneHold(handle, flow, held: boolean): while held, what is for the flow is not for the lane.
napi_value lane_hold(napi_env env, napi_callback_info info);
// laneLend(handle, flow, giving) -> whether it is lent now, through that end of a passage (passage.h). A lent flow is neither read
//   nor written here; laneReport asks the kernel what passed.
napi_value lane_lend(napi_env env, napi_callback_info info);
// laneTakeBack(handle, flow): nobody else has it any longer.
napi_value lane_take_back(napi_env env, napi_callback_info info);
// laneReport(handle, flow) -> whether the flow is known
napi_value lane_report(napi_env env, napi_callback_info info);
// laneRoute(handle, prefix, b, c, flow): records `send` of these words go out over the flow.
napi_value lane_route(napi_env env, napi_callback_info info);
// laneForget(handle): no route holds any longer.
napi_value lane_forget(napi_env env, napi_callback_info info);
// laneDrain(handle, shard, limit) -> records taken from the ring; it stops at the first that is not for the lane.
napi_value lane_drain(napi_env env, napi_callback_info info);

}  // namespace sip_sockets
