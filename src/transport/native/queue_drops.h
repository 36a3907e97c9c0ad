// Owns the count of datagrams that came to a socket whose receive buffer had no room for them.
#pragma once
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cstdint>

namespace sip_sockets {

class QueueDrops {
 public:
  // From here on they are counted.
  void begin(int fd) { take(fd); }

  // How many there were since the last time; a system that does not tell leaves it 0.
  int32_t take(int fd) {
    uint32_t told[SK_MEMINFO_VARS] = {};
    socklen_t length = sizeof(told);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, told, &length) != 0) return 0;
    uint32_t since = told[SK_MEMINFO_DROPS] - before_;
    before_ = told[SK_MEMINFO_DROPS];
    return static_cast<int32_t>(since);
  }

 private:
  uint32_t before_ = 0;  // Modulo 2^32, as the kernel counts.
};

// Only behind a batch that was full, or that waited so long, can there be any: who keeps up need not ask.
constexpr int64_t kDropsWaitMicroseconds = 2000;

}  // namespace sip_sockets
