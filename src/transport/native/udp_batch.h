// Owns the addon's batched UDP: one JavaScript call for up to kBatch datagrams received, one for as many to send.
#pragma once
#include <node_api.h>

namespace sip_sockets {

// openBatch(descriptor, received, inBytes, inMeta, outBytes, outMeta) -> handle.
//   received(count, waited) is called when `count` datagrams lie in inBytes, each in a slot of its own; `waited` is the time,
//   in microseconds, that the first of them waited in the kernel. Without a function nothing is read: another does.
//   Meta is an Int32Array of 8 words a datagram: length, port, family (4 or 6), address as up to four words in host order,
//   and for sending the offset in outBytes. closeHandle closes the descriptor as well.
napi_value open_batch(napi_env env, napi_callback_info info);
// sendBatch(handle, from, to) -> number of the first datagram that was not sent, `to` when all were; its errno as a negative
// number in the length word of its meta.
napi_value send_batch(napi_env env, napi_callback_info info);

}  // namespace sip_sockets
