// Owns the connections that the front has lent to a worker: their plain messages are read into a ring of the shard, and what the
// worker sends over them is written, with no other process between.
//
// While a connection is lent nobody else reads or writes it. Bytes are looked at first and taken off the socket once they lie in
// the ring as whole messages: what is not plain, or not whole, is left in the kernel for the front, and so is everything of a
// process that is killed.
#pragma once
#include <node_api.h>

namespace sip_sockets {

// openLoans(taking, memory, offset, capacity, arrived, over) -> handle
//   taking: the end of the passage (passage.h) that descriptors come from. memory, offset, capacity: the ring.
//   arrived(): messages lie in the ring.
//   over(flow, errno): something came that is for the front; 0 unless reading failed. The descriptor is closed already.
napi_value open_loans(napi_env env, napi_callback_info info);
// loanTake(handle, flow, port, listener, from, messageBytes, bodyBytes) -> 0, or kNothingPassed or kNoDescriptors of passage.h
napi_value loan_take(napi_env env, napi_callback_info info);
// loanWrite(handle, flow, text) -> bytes that the kernel took
napi_value loan_write(napi_env env, napi_callback_info info);
// loanDrop(handle, flow): its descriptor is closed.
napi_value loan_drop(napi_env env, napi_callback_info info);

}  // namespace sip_sockets
