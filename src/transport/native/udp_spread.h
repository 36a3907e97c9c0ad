// Owns the thread that reads the UDP sockets and spreads datagrams over shards by Call-ID.
#pragma once
#include <node_api.h>

namespace sip_sockets {

// startSpread(descriptors, listeners, memories, offset, capacity, events) -> handle. Arrays: sockets and the listener id of each; for
//   each shard its mapping and its eventfd. `offset` is where the ring begins in each mapping. Descriptors stay the caller's.
//   closeHandle returns when the thread is gone.
napi_value start_spread(napi_env env, napi_callback_info info);

}  // namespace sip_sockets
