// Owns eventfds as JavaScript sees them: one thread or process wakes the event loop of another.
#pragma once
#include <node_api.h>

namespace sip_sockets {

// createEvent() -> descriptor
napi_value create_event(napi_env env, napi_callback_info info);
// signalEvent(descriptor)
napi_value signal_event(napi_env env, napi_callback_info info);
// watchEvent(descriptor, woken) -> handle. woken() is called once for any number of signals. The descriptor stays the caller's.
napi_value watch_event(napi_env env, napi_callback_info info);

}  // namespace sip_sockets
