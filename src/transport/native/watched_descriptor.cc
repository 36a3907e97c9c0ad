// Owns a descriptor that is watched in the event loop on behalf of JavaScript.
#include "watched_descriptor.h"

namespace sip_sockets {

int WatchedDescriptor::prepare(napi_env env, int fd, std::string_view name) {
  this->env = env;
  this->fd = fd;
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  int failed = uv_poll_init(loop, &poll_, fd);
  if (failed != 0) return failed;
  poll_.data = this;
  napi_async_init(env, nullptr, to_js(env, name), &context_);
  return 0;
}

void WatchedDescriptor::on_readable(uv_poll_t* poll, int status, int) {
  auto* watched = static_cast<WatchedDescriptor*>(poll->data);
  if (status >= 0 && !watched->closing) watched->readable();
}

std::optional<int32_t> WatchedDescriptor::call_with(napi_ref reference, const napi_value* args, size_t count) {
  napi_value function, receiver, answer = nullptr;
  napi_get_reference_value(env, reference, &function);
  napi_get_global(env, &receiver);
  if (napi_make_callback(env, context_, receiver, function, count, args, &answer) == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
    return {};
  }
  int32_t number = 0;
  return answer && napi_get_value_int32(env, answer, &number) == napi_ok ? std::optional(number) : std::nullopt;
}

void WatchedDescriptor::stop() {
  closing = true;
  uv_poll_stop(&poll_);
}

void WatchedDescriptor::release() {
  napi_async_destroy(env, context_);
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_),
           [](uv_handle_t* handle) { delete static_cast<WatchedDescriptor*>(handle->data); });
}

}  // namespace sip_sockets
