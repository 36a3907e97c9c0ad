// Owns eventfds as JavaScript sees them.
#include "event_fd.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "watched_descriptor.h"

namespace sip_sockets {
namespace {

struct EventWatch : WatchedDescriptor {
  napi_ref woken;  // Kept.

 protected:
  void readable() override {
    uint64_t count;
    if (::read(fd, &count, sizeof(count)) >= 0) call(woken);
  }
};

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
  auto* watch = WatchedDescriptor::open<EventWatch>(env, number(env, args[0]), "signalbox:event");
  if (!watch) return nullptr;
  watch->woken = watch->keep(args[1]);
  watch->start();
  return watch->hand_out();
}

}  // namespace sip_sockets
