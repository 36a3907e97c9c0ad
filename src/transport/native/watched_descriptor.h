// Owns a descriptor that is watched in the event loop on behalf of JavaScript, and the calls into JavaScript from there.
#pragma once
#include <uv.h>

#include <new>
#include <optional>

#include "script_handle.h"

namespace sip_sockets {

class WatchedDescriptor : public ScriptHandle {
 public:
  // A T of zeros; null when there can be none, with the error thrown. The descriptor stays the caller's.
  template <typename T>
  static T* open(napi_env env, int fd, std::string_view name) {
    auto* made = new (std::nothrow) T();
    int failed = made ? made->prepare(env, fd, name) : UV_ENOMEM;
    if (failed == 0) return made;
    delete made;
    napi_throw_error(env, uv_err_name(failed), uv_strerror(failed));
    return nullptr;
  }

  // From here on `readable` is called.
  void start() { uv_poll_start(&poll_, UV_READABLE, on_readable); }

  uv_loop_t* loop() const { return poll_.loop; }

  // Calls a function of JavaScript; its answer where that is a number. An exception ends the process, as any that nobody catches.
  template <typename... Values>
  std::optional<int32_t> call(napi_ref function, Values... values) {
    napi_handle_scope scope;
    napi_open_handle_scope(env, &scope);
    napi_value args[sizeof...(values) + 1] = {to_js(env, values)...};
    std::optional<int32_t> answer = call_with(function, args, sizeof...(values));
    napi_close_handle_scope(env, scope);
    return answer;
  }

  int fd;
  bool closing;  // Nothing is called any more.

 protected:
  virtual void readable() = 0;
  // Before a descriptor of its own is closed.
  void stop() override;

 private:
  int prepare(napi_env env, int fd, std::string_view name);
  std::optional<int32_t> call_with(napi_ref function, const napi_value* args, size_t count);
  // The event loop frees the object when it has let go of the handle.
  void release() override;
  static void on_readable(uv_poll_t* poll, int status, int events);

  napi_async_context context_;  // Owned.
  uv_poll_t poll_;
};

}  // namespace sip_sockets
