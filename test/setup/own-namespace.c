// Owns the step of a process into a network namespace of its own, with nothing but a loopback interface that is up.
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <node_api.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int raise_loopback(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  int error = ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? errno : 0;
  close(fd);
  return error;
}

// enter(): 0, or the errno of what failed. Holds for this thread and for every thread and process it starts from now on.
static napi_value enter(napi_env env, napi_callback_info info) {
  (void)info;
  int error = unshare(CLONE_NEWNET) < 0 ? errno : raise_loopback();
  napi_value result;
  napi_create_int32(env, error, &result);
  return result;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "enter", NAPI_AUTO_LENGTH, enter, NULL, &function);
  napi_set_named_property(env, exports, "enter", function);
  return exports;
}
