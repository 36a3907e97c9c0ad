// Owns the handles of JavaScript: what one is of ends when it is closed, or with the environment.
#pragma once
#include <vector>

#include "napi_args.h"

namespace sip_sockets {

class ScriptHandle {
 public:
  virtual ~ScriptHandle() = default;

  // Keeps a value of JavaScript until the end.
  napi_ref keep(napi_value value) {
    kept_.push_back(nullptr);
    napi_create_reference(env, value, 1, &kept_.back());
    return kept_.back();
  }

  // The handle for JavaScript.
  napi_value hand_out() {
    napi_add_env_cleanup_hook(env, at_exit, this);
    napi_value handle;
    napi_create_external(env, this, nullptr, nullptr, &handle);
    return handle;
  }

  void close() {
    napi_remove_env_cleanup_hook(env, at_exit, this);
    end();
  }

  // As `close`, where nothing was handed out. Values go after what uses them, and while there is an environment: `release` may
  // free the object when that is gone.
  void end() {
    stop();
    for (napi_ref one : kept_) napi_delete_reference(env, one);
    release();
  }

  napi_env env;

 protected:
  // Ends what is under way.
  virtual void stop() = 0;
  // Frees the object, at once or later.
  virtual void release() { delete this; }

 private:
  static void at_exit(void* data) { static_cast<ScriptHandle*>(data)->end(); }

  std::vector<napi_ref> kept_;  // Owned.
};

// What the first of the arguments is the handle of.
template <typename T, size_t N>
T* subject(napi_env env, napi_callback_info info, napi_value (&args)[N]) {
  arguments(env, info, args);
  void* data = nullptr;
  napi_get_value_external(env, args[0], &data);
  return static_cast<T*>(static_cast<ScriptHandle*>(data));
}

// closeHandle(handle): the last use of it.
inline napi_value close_handle(napi_env env, napi_callback_info info) {
  napi_value args[1];
  subject<ScriptHandle>(env, info, args)->close();
  return nullptr;
}

}  // namespace sip_sockets
