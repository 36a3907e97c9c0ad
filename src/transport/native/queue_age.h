// Owns the time at which the kernel took a datagram: how long a batch waited before it was read.
#pragma once
#include <sys/socket.h>
#include <time.h>

#include <cstdint>
#include <cstring>

namespace sip_sockets {

inline int64_t microseconds(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

// From here on the socket tells the arrival of what it gives; a system that cannot leaves every age 0.
inline void ask_arrival_times(int fd) {
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

// Room for the arrival time of one message of a batch, its first: the one that waited longest.
class QueueAge {
 public:
  void arm(msghdr* message) {
    message->msg_control = control_;
    message->msg_controllen = sizeof(control_);
  }

  // Microseconds that the message waited; 0 when the system did not tell, or its clock was set back meanwhile.
  int64_t waited(const msghdr& message) const {
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(const_cast<msghdr*>(&message), one)) {
      if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec arrival;
      std::memcpy(&arrival, CMSG_DATA(one), sizeof(arrival));
      int64_t age = microseconds(CLOCK_REALTIME) - (arrival.tv_sec * 1000000LL + arrival.tv_nsec / 1000);
      return age > 0 && age < 60000000 ? age : 0;
    }
    return 0;
  }

  // The arrival on CLOCK_MONOTONIC, in microseconds modulo 2^32.
  int32_t since(const msghdr& message) const {
    return static_cast<int32_t>(static_cast<uint32_t>(microseconds(CLOCK_MONOTONIC) - waited(message)));
  }

 private:
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(timespec))];
};

}  // namespace sip_sockets
