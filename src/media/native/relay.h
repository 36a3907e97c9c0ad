// Owns the streams as JavaScript sees them: numbers, their place in a loop, their ports.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "media_loop.h"
#include "port_pool.h"

namespace media {

/// Every method is called by JavaScript's thread.
class Relay {
 public:
  struct Opened {
    uint32_t id;
    uint16_t rtp_port;
  };

  Relay(size_t threads, MediaLoop::Report report);

  PortResult open(const Endpoint& address, uint16_t first, uint16_t last, int tos, Opened* out, int* error);
  /// The others: false when there is no such stream.
  bool link(uint32_t a, uint32_t b);
  bool configure(uint32_t id, std::unique_ptr<StreamSettings> settings);
  bool close(uint32_t id);
  /// nullptr when there is no such stream. Valid until the stream is closed.
  const PacketStream* find(uint32_t id) const;
  /// Stops the threads and closes every stream; nothing is reported afterwards.
  void shutdown();

 private:
  struct Entry {
    PacketStream* stream;  // Borrowed from its loop.
    MediaLoop* loop;       // Borrowed from loops_.
    Endpoint address;
    uint16_t rtp_port;
  };

  std::vector<std::unique_ptr<MediaLoop>> loops_;
  PortPool ports_;
  std::unordered_map<uint32_t, Entry> streams_;
  uint32_t next_id_ = 1;
};

}  // namespace media
