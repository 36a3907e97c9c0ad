// Owns the passage by which one process hands descriptors of connections to another: a pair of unix sockets.
#pragma once
#include <node_api.h>

#include <cstdint>

namespace sip_sockets {

// Sends a second name of `fd`, told with its flow. False when there is no room.
bool pass_descriptor(int giving, int fd, int32_t flow);

constexpr int kNothingPassed = -1;
constexpr int kNoDescriptors = -2;

// Takes the descriptor of a flow, or one of the above. Those of other flows that lie before it are closed: nobody asks for them.
int take_descriptor(int taking, int32_t flow);

// Whether a descriptor of this number leaves the last quarter of what the process may have to others.
bool leaves_a_quarter(int fd);

// createPassage() -> [giving, taking]
napi_value create_passage(napi_env env, napi_callback_info info);
// emptyPassage(taking): what lies there is closed.
napi_value empty_passage(napi_env env, napi_callback_info info);

}  // namespace sip_sockets
