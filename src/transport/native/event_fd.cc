// Owns eventfds as JavaScript sees them.
#include "event_fd.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <uv.h>

#include <cstdint>
#include <cstring>
#include <new>

#include "napi_args.h"

namespace sip_sockets {
namespace {

struct Watch {
  napi_env env;
  napi_ref woken;              // Owned.
  napi_async_context context;  // Owned.
  uv_poll_t poll;
  int fd;  // Borrowed from the caller.
  bool closing;
};

void readable(uv_poll_t* poll, int status, int) {
  auto* watch = static_cast<Watch*>(poll->data);
  if (status < 0 || watch->closing) return;
  uint64_t count;
  if (::read(watch->fd, &count, sizeof(count)) < 0) return;
  napi_env env = watch->env;
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value function, receiver;
  napi_get_reference_value(env, watch->woken, &function);
  napi_get_global(env, &receiver);
  if (napi_make_callback(env, watch->context, receiver, function, 0, nullptr, nullptr) == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

void release(uv_handle_t* handle) {
  delete static_cast<Watch*>(handle->data);
}

void stop(Watch* watch) {
  if (watch->closing) return;
  watch->closing = true;
  uv_poll_stop(&watch->poll);
  napi_delete_reference(watch->env, watch->woken);
  napi_async_destroy(watch->env, watch->context);
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll), release);
}

void at_exit(void* data) {
  stop(static_cast<Watch*>(data));
}

}  // namespace

napi_value create_event(napi_env env, napi_callback_info) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    napi_throw_error(env, "EMFILE", std::strerror(errno));
    return nullptr;
  }
  return to_js(env, fd);
}

napi_value signal_event(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(number(env, args[0]), &one, sizeof(one));
  return nullptr;
}

napi_value watch_event(napi_env env, napi_callback_info info) {
  napi_value args[2];
  arguments(env, info, args);
  auto* watch = new (std::nothrow) Watch();
  if (!watch) {
    napi_throw_error(env, "ENOMEM", "watchEvent: out of memory");
    return nullptr;
  }
  watch->env = env;
  watch->fd = number(env, args[0]);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  int failed = uv_poll_init(loop, &watch->poll, watch->fd);
  if (failed != 0) {
    delete watch;
    napi_throw_error(env, uv_err_name(failed), uv_strerror(failed));
    return nullptr;
  }
  watch->poll.data = watch;
  napi_create_reference(env, args[1], 1, &watch->woken);
  napi_async_init(env, nullptr, to_js(env, std::string_view("signalbox:event")), &watch->context);
  uv_poll_start(&watch->poll, UV_READABLE, readable);
  napi_add_env_cleanup_hook(env, at_exit, watch);
  napi_value handle;
  napi_create_external(env, watch, nullptr, nullptr, &handle);
  return handle;
}

napi_value unwatch_event(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  void* data = nullptr;
  napi_get_value_external(env, args[0], &data);
  napi_remove_env_cleanup_hook(env, at_exit, data);
  stop(static_cast<Watch*>(data));
  return nullptr;
}

}  // namespace sip_sockets
