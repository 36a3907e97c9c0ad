// Owns one relay thread: its epoll set, its streams, the batches it receives in, and the commands it is given.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "due_clock.h"
#include "packet_stream.h"
#include "shared_socket.h"

namespace media {

/// What a stream tells of itself.
enum class StreamEvent : uint8_t { kTimeout, kSilentTimeout, kDtlsConnected, kDtlsFailed, kDtlsWrongFingerprint, kIceFailed };

/// Milliseconds and microseconds of the monotonic clock that all times in the relay are of.
int64_t now_milliseconds();
int64_t now_microseconds();

class MediaLoop {
 public:
  /// Told in the loop's thread; must not block.
  using Report = std::function<void(uint32_t stream, StreamEvent event)>;

  explicit MediaLoop(Report report);
  /// Stops the thread; streams not yet detached are closed.
  ~MediaLoop();
  MediaLoop(const MediaLoop&) = delete;
  MediaLoop& operator=(const MediaLoop&) = delete;

  // Commands: queued, and carried out by the loop in the order given, before the packets that its next turn finds. A packet
  // that comes while the loop is at others is of the turn before, even where a command was given before it was sent.
  void attach(std::unique_ptr<PacketStream> stream);
  /// Streams of its address that are attached afterwards share it.
  void share(std::unique_ptr<SharedSocket> socket);
  void close(PacketStream* stream);
  void link(PacketStream* a, PacketStream* b);
  void configure(PacketStream* stream, std::unique_ptr<StreamSettings> settings);
  /// Has `work` done in the loop; `now` in microseconds. What the stream plays afterwards is sent in time.
  void ask(PacketStream* stream, std::function<void(PacketStream&, int64_t now)> work);
  /// Waits for the loop to let go of the stream, unlinked and with its counters, so that another loop can have it.
  std::unique_ptr<PacketStream> detach(PacketStream* stream);

  /// While held, commands wait for the end of it, so that the loop wakes once for all of them. Of the thread that gives commands.
  void hold(bool held);

  size_t stream_count() const { return stream_count_.load(std::memory_order_relaxed); }

 private:
  using Command = std::function<void()>;
  struct Batch;

  void post(Command command);
  void wake();
  void run();
  void acknowledge_wake();
  void run_commands();
  void add(std::unique_ptr<PacketStream> stream);
  std::unique_ptr<PacketStream> remove(PacketStream* stream);
  void drain_ready(int64_t now);
  /// What has come by the shared sockets; the streams' own have their turn in between.
  void drain_shared(int64_t now);
  /// Takes a batch from a socket that is ready.
  void drain(PacketStream::Socket* socket, int64_t now);
  void check_deadlines(int64_t now);
  /// Keeps `connected_` as the stream's configuration says.
  void watch_connection(PacketStream* stream);
  void run_connections(int64_t now);
  bool coalesce(size_t packets, int64_t now);

  const Report report_;
  const int epoll_;
  const int wake_;  // eventfd
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> stream_count_{0};  // counted when a command is given
  bool held_ = false, wake_due_ = false;  // of the thread that gives commands
  std::mutex commands_mutex_;
  std::vector<Command> commands_;

  // The loop's thread alone.
  std::vector<std::unique_ptr<SharedSocket>> shared_;  // named by the streams, which go first
  std::vector<SharedSocket*> shared_ready_;
  SharedBatch shared_batch_;
  std::vector<std::unique_ptr<PacketStream>> streams_;
  std::vector<PacketStream::Socket*> ready_;
  std::vector<PacketStream::Socket*> unfinished_;  // empty between two drains
  std::unique_ptr<Batch> batch_;
  int64_t next_deadline_ = INT64_MAX;
  DueClock playouts_;
  DueClock reports_;
  std::vector<PacketStream*> connected_;  // Borrowed from streams_: those that speak ICE or DTLS.
  int64_t next_connection_ = INT64_MAX;   // milliseconds
  int64_t rate_since_ = 0;  // microseconds
  size_t rate_packets_ = 0;
  bool busy_ = false;

  std::thread thread_;
};

}  // namespace media
