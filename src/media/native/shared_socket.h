// Owns the sockets that a loop shares between its streams of one address: one to receive by, one to send by.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "endpoint.h"
#include "packet_stream.h"
#include "port_steering.h"

struct mmsghdr;

namespace media {

/// What a SharedSocket takes of one receive call, and works through before the next. One for a loop.
class SharedBatch {
 public:
  static constexpr unsigned kSize = 64;
  SharedBatch();
  ~SharedBatch();

 private:
  friend class SharedSocket;
  struct Slots;
  std::unique_ptr<Slots> slots_;
};

/// Packets are received in batches of any streams' packets, and sent in batches from a raw socket. Everything but the
/// making is the loop's. What it cannot do (long packets, a flooded port, no right to raw sockets) goes
/// by the streams' own sockets.
class SharedSocket {
 public:
  /// nullptr where the sockets cannot be had. `place` is the loop's among those that share the address.
  static std::unique_ptr<SharedSocket> make(const Endpoint& address, std::shared_ptr<PortSteering> steering, uint32_t place);
  ~SharedSocket();
  SharedSocket(const SharedSocket&) = delete;
  SharedSocket& operator=(const SharedSocket&) = delete;

  int fd() const { return receiving_; }
  const Endpoint& address() const { return address_; }

  /// From now on the port's datagrams come here, and its stream may send from here.
  void enter(PacketStream::Socket* socket);
  void leave(PacketStream::Socket* socket);

  /// Hands what one receive call gives to the streams. Returns how many datagrams there were; fewer than
  /// SharedBatch::kSize: no more are waiting.
  int receive(SharedBatch& batch, int64_t now);

  /// Queues a copy, until flush() or until the queue is full. False: not by this way.
  bool send(PacketStream::Socket& from, const uint8_t* data, size_t length, const Endpoint& to);
  void flush();

 private:
  /// Datagrams to one port in a slice of time from which on it is flooded: it shall fill its own socket, not the one that
  /// all calls share.
  static constexpr uint32_t kFlood = 2048;
  static constexpr int64_t kSlice = 131'072;  // microseconds
  /// Packets in the queue; each with its headers. Longer ones go by the stream's socket, which knows about fragments.
  static constexpr unsigned kQueue = 64;
  static constexpr size_t kMaxLength = 1200;
  struct Queue;

  SharedSocket(const Endpoint& address, std::shared_ptr<PortSteering> steering, uint32_t place);
  bool open();
  void open_raw();
  bool flooded(PacketStream::Socket& socket, int64_t now);

  const Endpoint address_;
  const std::shared_ptr<PortSteering> steering_;
  const uint32_t place_;
  int receiving_ = -1;
  int raw_ = -1;
  uint8_t hops_ = 64;
  std::vector<PacketStream::Socket*> by_port_;  // Borrowed from their streams, which leave() before they go.
  std::unique_ptr<Queue> queue_;
};

}  // namespace media
