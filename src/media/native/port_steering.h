// Owns the steering of datagrams for many ports of one address into few sockets, by a program at the kernel's socket lookup.
#pragma once

#include <cstdint>
#include <memory>

#include "endpoint.h"

namespace media {

/// A socket for each port costs a packet the cache lines of that socket, and a system call of its own. Where the process
/// may (CAP_BPF and CAP_NET_ADMIN), ports are led into sockets that each loop reads in batches. The sockets of the ports
/// stay open: they hold the port, and get whatever is not led. Firewall rules come before the lookup and hold as ever.
class PortSteering {
 public:
  static constexpr uint32_t kMaxSockets = 64;

  /// nullptr for an address that is all or a link's, and where the kernel or its rules do not allow it: then nothing is led.
  static std::unique_ptr<PortSteering> make(const Endpoint& address);
  /// Nothing is led any more.
  ~PortSteering();
  PortSteering(const PortSteering&) = delete;
  PortSteering& operator=(const PortSteering&) = delete;

  /// Names a bound UDP socket, which lead() then refers to by `place`. False when the kernel refuses.
  bool add(uint32_t place, int fd);

  // From any thread, without a system call.
  void lead(uint16_t port, uint32_t place) { set(port, place + 1); }
  void release(uint16_t port) { set(port, 0); }

 private:
  /// A file descriptor that is closed with its owner.
  struct Descriptor {
    int fd = -1;
    ~Descriptor();
  };

  PortSteering() = default;
  bool load(const Endpoint& address);
  void set(uint16_t port, uint64_t value) { __atomic_store_n(&table_[port], value, __ATOMIC_RELAXED); }

  Descriptor ports_;    // array: by port, the place of its socket and one more; 0: not led
  Descriptor sockets_;  // socket map
  Descriptor program_;
  Descriptor link_;
  uint64_t* table_ = nullptr;  // ports_, shared with the kernel
};

}  // namespace media
