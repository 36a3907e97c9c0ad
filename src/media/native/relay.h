// Owns the streams as JavaScript sees them: numbers, their place in a loop, their ports.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "media_loop.h"
#include "recorder.h"
#include "port_pool.h"
#include "port_steering.h"

namespace media {

/// Every method is called by JavaScript's thread.
class Relay {
 public:
  struct Opened {
    uint32_t id;
    uint16_t rtp_port;
  };

  enum class Sockets : uint8_t {
    kOwn,     // each stream uses its own alone
    kShared,  // streams share some, where the process may
  };

  /// Threads come into use one after the other, each when those before it have `streams_per_thread` streams: few streams
  /// keep to one, whose batches are larger.
  Relay(size_t threads, size_t streams_per_thread, Sockets sockets, MediaLoop::Report report);

  PortResult open(const Endpoint& address, uint16_t first, uint16_t last, int tos, Opened* out, int* error);
  /// The others: false when there is no such stream.
  bool link(uint32_t a, uint32_t b);
  bool configure(uint32_t id, std::unique_ptr<StreamSettings> settings);
  bool close(uint32_t id);
  /// nullptr when there is no such stream. Valid until the stream is closed.
  const PacketStream* find(uint32_t id) const;
  /// Has work done in the stream's loop.
  bool ask(uint32_t id, std::function<void(PacketStream&, int64_t now)> work);
  /// While held, what is asked of streams waits for the end of it: their loops wake once for all of it.
  void hold(bool held);
  /// Where the stream's packets arrive.
  bool local(uint32_t id, Endpoint* rtp, Endpoint* rtcp) const;
  /// Copies of what arrives at `source` leave by `sink`.
  bool subscribe(uint32_t source, uint32_t sink, std::shared_ptr<const Conversion> conversion);
  bool unsubscribe(uint32_t sink);
  /// Whom streams tell of keys and clips; before the first is configured.
  void listen(std::unique_ptr<StreamEvents> events) { events_ = std::move(events); }
  /// Begins its thread when it is first asked for.
  Recorder& recorder();
  bool recording() const { return recorder_ != nullptr; }
  /// Whether streams of the address share sockets.
  bool shares(const Endpoint& address) { return local_address(address).steering != nullptr; }
  /// Stops the threads and closes every stream; nothing is reported afterwards.
  void shutdown();

 private:
  struct Entry {
    PacketStream* stream;  // Borrowed from its loop.
    MediaLoop* loop;       // Borrowed from loops_.
    Endpoint address;
    uint16_t rtp_port;
    uint32_t peer;  // 0: linked to none
  };

  struct Subscription {
    uint32_t source;
    std::shared_ptr<const Conversion> conversion;
  };

  /// Forgets whom it is linked to.
  void part(Entry& entry);
  void feed(uint32_t sink, const Subscription& subscription);
  /// Brings a stream to a loop, with all that it is bound to, and binds them there: streams that pass packets to each other
  /// live in one thread, so that no lock stands between them. False when it is there already.
  bool gather(uint32_t id, MediaLoop* loop);

  struct LocalAddress {
    Endpoint address;
    std::shared_ptr<PortSteering> steering;  // nullptr: its streams use their own sockets
  };
  const LocalAddress& local_address(const Endpoint& address);

  const size_t streams_per_thread_;
  const Sockets sockets_;
  std::vector<LocalAddress> addresses_;  // those of the configuration
  // Both outlive the loops.
  std::unique_ptr<StreamEvents> events_;
  std::unique_ptr<Recorder> recorder_;
  std::vector<std::unique_ptr<MediaLoop>> loops_;
  PortPool ports_;
  std::unordered_map<uint32_t, Entry> streams_;
  std::unordered_map<uint32_t, Subscription> subscriptions_;  // by sink
  uint32_t next_id_ = 1;
};

}  // namespace media
