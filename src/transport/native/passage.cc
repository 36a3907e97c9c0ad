// Owns the passage of descriptors.
#include "passage.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "napi_args.h"

namespace sip_sockets {
namespace {

// One message: a flow, and its descriptor.
struct Parcel {
  msghdr message = {};
  iovec part;
  int32_t flow = 0;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};

  Parcel() {
    part = {&flow, sizeof(flow)};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
  }
};

// The descriptor of a parcel that was received; kNoDescriptors where there was no room for it.
int descriptor_of(Parcel* parcel) {
  cmsghdr* header = CMSG_FIRSTHDR(&parcel->message);
  if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return kNoDescriptors;
  int fd;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return fd;
}

bool receive(int taking, Parcel* parcel) {
  return recvmsg(taking, &parcel->message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) == sizeof(parcel->flow);
}

}  // namespace

bool pass_descriptor(int giving, int fd, int32_t flow) {
  Parcel parcel;
  parcel.flow = flow;
  cmsghdr* header = CMSG_FIRSTHDR(&parcel.message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
  return sendmsg(giving, &parcel.message, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(parcel.flow);
}

int take_descriptor(int taking, int32_t flow) {
  for (;;) {
    Parcel parcel;
    if (!receive(taking, &parcel)) return kNothingPassed;
    int fd = descriptor_of(&parcel);
    if (parcel.flow == flow) {
      if (fd < 0 || leaves_a_quarter(fd)) return fd;
      ::close(fd);
      return kNoDescriptors;
    }
    if (fd >= 0) ::close(fd);
  }
}

bool leaves_a_quarter(int fd) {
  rlimit most;
  if (getrlimit(RLIMIT_NOFILE, &most) != 0 || most.rlim_cur == RLIM_INFINITY) return true;
  return static_cast<rlim_t>(fd) < most.rlim_cur - most.rlim_cur / 4;
}

napi_value create_passage(napi_env env, napi_callback_info) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    napi_throw_error(env, "EMFILE", std::strerror(errno));
    return nullptr;
  }
  napi_value out;
  napi_create_array_with_length(env, 2, &out);
  for (uint32_t i = 0; i < 2; i++) napi_set_element(env, out, i, to_js(env, ends[i]));
  return out;
}

napi_value empty_passage(napi_env env, napi_callback_info info) {
  napi_value args[1];
  arguments(env, info, args);
  for (;;) {
    Parcel parcel;
    if (!receive(number(env, args[0]), &parcel)) return nullptr;
    int fd = descriptor_of(&parcel);
    if (fd >= 0) ::close(fd);
  }
}

}  // namespace sip_sockets
