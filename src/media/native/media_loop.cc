// Owns the receive loop. Per packet: one receive, one send, no allocation, no lock.
#include "media_loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <future>
#include <utility>

#include "system_calls.h"

namespace media {

namespace {

/// What epoll_wait() looks at of a socket is still in the cache when its turn comes.
constexpr int kEvents = 256;
/// Datagrams taken from one socket before the others have their turn.
constexpr unsigned kBatch = 16;
/// Batches that hold all that a socket of a stream can, where its port was led away since.
constexpr unsigned kLedBatches = 32;
/// The same of a shared socket, in batches.
constexpr unsigned kSharedBatches = 16;
/// How many sockets ahead the stream of a packet is fetched into the cache, and as many more before that, the one it is of.
constexpr size_t kAhead = 2;
/// Shortest time between two looks at the deadlines, milliseconds.
constexpr int64_t kDeadlineStep = 50;
/// Shortest and longest time between two looks at the connections (ICE, DTLS), milliseconds. A packet may bring forward what
/// is due, and is not told of here; RFC 8445 14.2 paces checks by 50.
constexpr int64_t kConnectionStep = 50, kConnectionRest = 500;
/// From this many packets a second on, the loop waits a little after a small batch so that the next is larger: a wake-up
/// costs as much as a packet. With 200 SRTP calls whose packets come evenly spread, this halves the cost of a packet.
constexpr size_t kBusyRate = 2000;
constexpr long kCoalesceNanoseconds = 1'000'000;
constexpr size_t kFullBatch = 128;
/// In what epoll tells of a socket: it is a SharedSocket.
constexpr uintptr_t kSharedTag = 1;

/// Where nobody is due, milliseconds.
constexpr int64_t kLongestWait = 60'000;
/// Between two looks at whose reports are due, microseconds.
constexpr int64_t kReportStep = 100'000;

int64_t clip_due(const PacketStream& stream) {
  const StreamServices* services = stream.services();
  const Playout* playout = services ? services->played() : nullptr;
  return playout ? playout->due() : INT64_MAX;
}

void play(PacketStream& stream, int64_t now) {
  Departure sink(stream, Departure::Admission::kOwn, now);
  if (stream.services()->played()->tick(now, sink)) stream.tell_clip_ended();
}

int64_t report_due(const PacketStream& stream) {
  const StreamServices* services = stream.services();
  const ReportWriter* reports = services ? services->reports() : nullptr;
  return reports ? reports->due() : INT64_MAX;
}

void send_report(PacketStream& stream, int64_t now) { stream.send_report(now); }

int64_t clock_nanoseconds() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

}  // namespace

int64_t now_milliseconds() { return clock_nanoseconds() / 1'000'000; }
int64_t now_microseconds() { return clock_nanoseconds() / 1'000; }

struct MediaLoop::Batch {
  epoll_event events[kEvents];
  mmsghdr messages[kBatch];
  iovec vectors[kBatch];
  Endpoint sources[kBatch];
  uint8_t buffers[kBatch][kPacketBuffer];

  Batch() {
    for (unsigned i = 0; i < kBatch; i++) {
      vectors[i] = {buffers[i], kMaxDatagram};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &sources[i];
      messages[i].msg_hdr.msg_namelen = sizeof(Endpoint);
    }
  }
};

MediaLoop::MediaLoop(Report report)
    : report_(std::move(report)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      batch_(std::make_unique<Batch>()),
      playouts_(clip_due, play, 0),
      reports_(report_due, send_report, kReportStep) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  // Signals are for the threads that expect them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "media-relay");
}

MediaLoop::~MediaLoop() {
  stopping_ = true;
  wake();
  thread_.join();
  // What was given and not yet carried out owns streams and keys.
  run_commands();
  for (const auto& stream : streams_) stream->unlink();
  ::close(wake_);
  ::close(epoll_);
}

void MediaLoop::post(Command command) {
  bool first;
  {
    const std::scoped_lock lock(commands_mutex_);
    first = commands_.empty();
    commands_.push_back(std::move(command));
  }
  if (held_) {
    wake_due_ = true;
  } else if (first) {
    wake();
  }
}

void MediaLoop::wake() {
  const uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0) {
    // The counter of the eventfd is full: the loop is awake already.
  }
}

void MediaLoop::hold(bool held) {
  held_ = held;
  if (!held && std::exchange(wake_due_, false)) wake();
}

void MediaLoop::attach(std::unique_ptr<PacketStream> stream) {
  stream_count_.fetch_add(1, std::memory_order_relaxed);
  // std::function wants copies; the pointer is taken back in the loop.
  post([this, raw = stream.release()] { add(std::unique_ptr<PacketStream>(raw)); });
}

void MediaLoop::share(std::unique_ptr<SharedSocket> socket) {
  post([this, raw = socket.release()] {
    shared_.emplace_back(raw);
    // Told from the streams' sockets by its lowest bit.
    epoll_event event{.events = EPOLLIN, .data = {.u64 = reinterpret_cast<uintptr_t>(raw) | kSharedTag}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, raw->fd(), &event);
  });
}

void MediaLoop::close(PacketStream* stream) {
  stream_count_.fetch_sub(1, std::memory_order_relaxed);
  post([this, stream] { remove(stream); });
}

void MediaLoop::link(PacketStream* a, PacketStream* b) {
  post([a, b] { a->link(b); });
}

void MediaLoop::configure(PacketStream* stream, std::unique_ptr<StreamSettings> settings) {
  post([this, stream, raw = settings.release()] {
    stream->configure(std::unique_ptr<StreamSettings>(raw), now_milliseconds());
    watch_connection(stream);
    reports_.note(stream);
    next_deadline_ = std::min(next_deadline_, stream->deadline());
  });
}

void MediaLoop::ask(PacketStream* stream, std::function<void(PacketStream&, int64_t)> work) {
  post([this, stream, work = std::move(work)] {
    work(*stream, now_microseconds());
    playouts_.note(stream);
  });
}

std::unique_ptr<PacketStream> MediaLoop::detach(PacketStream* stream) {
  stream_count_.fetch_sub(1, std::memory_order_relaxed);
  std::promise<std::unique_ptr<PacketStream>> given;
  post([this, stream, &given] { given.set_value(remove(stream)); });
  if (held_) wake();
  return given.get_future().get();
}

void MediaLoop::add(std::unique_ptr<PacketStream> stream) {
  for (const auto component : {PacketStream::kRtp, PacketStream::kRtcp}) {
    PacketStream::Socket& socket = stream->socket(component);
    // Edge-triggered: a drained socket is not asked again until its next packet. What is there already is reported.
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = &socket}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.fd, &event);
    for (const auto& shared : shared_)
      if (shared->address().same_address(stream->local())) shared->enter(&socket);
    // What came before that has its turn first.
    if (socket.led && !socket.ready) ready_.push_back(&socket);
    socket.ready |= socket.led;
  }
  next_deadline_ = std::min(next_deadline_, stream->next_deadline(now_milliseconds()));
  playouts_.note(stream.get());
  reports_.note(stream.get());
  streams_.push_back(std::move(stream));
  watch_connection(streams_.back().get());
}

void MediaLoop::watch_connection(PacketStream* stream) {
  std::erase(connected_, stream);
  if (stream->connected()) connected_.push_back(stream);
  next_connection_ = connected_.empty() ? INT64_MAX : now_milliseconds();
}

std::unique_ptr<PacketStream> MediaLoop::remove(PacketStream* stream) {
  stream->unlink();
  if (StreamServices* services = stream->services()) services->part(*stream);
  playouts_.forget(stream);
  reports_.forget(stream);
  std::erase(connected_, stream);
  for (const auto component : {PacketStream::kRtp, PacketStream::kRtcp}) {
    PacketStream::Socket& socket = stream->socket(component);
    epoll_ctl(epoll_, EPOLL_CTL_DEL, socket.fd, nullptr);
    if (socket.shared) socket.shared->leave(&socket);
    if (socket.ready) std::erase(ready_, &socket);
    socket.ready = false;
  }
  const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& each) { return each.get() == stream; });
  if (found == streams_.end()) return nullptr;
  std::swap(*found, streams_.back());
  std::unique_ptr<PacketStream> taken = std::move(streams_.back());
  streams_.pop_back();
  return taken;
}

void MediaLoop::acknowledge_wake() {
  uint64_t count;
  if (read(wake_, &count, sizeof count) < 0) {
    // Nothing was written since the last time.
  }
}

void MediaLoop::run_commands() {
  std::vector<Command> commands;
  {
    const std::scoped_lock lock(commands_mutex_);
    commands.swap(commands_);
  }
  for (const Command& command : commands) command();
}

void MediaLoop::run() {
  while (!stopping_) {
    int wait = 0;
    if (ready_.empty()) {
      const int64_t next = std::min({next_deadline_, next_connection_, playouts_.next() / 1000, reports_.next() / 1000});
      wait = static_cast<int>(std::clamp<int64_t>(next - now_milliseconds() + 1, 0, kLongestWait));
    }
    const int count = epoll_wait(epoll_, batch_->events, kEvents, wait);
    const int64_t now = now_microseconds();
    bool woken = false;
    for (int i = 0; i < count; i++) {
      auto* socket = static_cast<PacketStream::Socket*>(batch_->events[i].data.ptr);
      if (const uintptr_t told = batch_->events[i].data.u64; told & kSharedTag) {
        shared_ready_.push_back(reinterpret_cast<SharedSocket*>(told & ~kSharedTag));
      } else if (!socket) {
        woken = true;
      } else if (!socket->ready) {
        socket->ready = true;
        ready_.push_back(socket);
      }
    }
    // Commands come first: what was configured before a packet was sent holds for it, unless it comes to a socket that this
    // turn is still at. A stream that one closes leaves ready_ with it.
    if (woken) {
      acknowledge_wake();
      run_commands();
    }
    const size_t before = rate_packets_;
    drain_ready(now);
    drain_shared(now);
    if (now / 1000 >= next_deadline_) check_deadlines(now / 1000);
    if (now / 1000 >= next_connection_) run_connections(now / 1000);
    if (now >= playouts_.next()) playouts_.run(now);
    if (now >= reports_.next()) reports_.run(now);
    for (const auto& shared : shared_) shared->flush();
    if (coalesce(rate_packets_ - before, now)) {
      const timespec pause{.tv_sec = 0, .tv_nsec = kCoalesceNanoseconds};
      nanosleep(&pause, nullptr);
    }
  }
}

void MediaLoop::drain_ready(int64_t now) {
  for (size_t i = 0; i < ready_.size(); i++) {
    if (i + 2 * kAhead < ready_.size()) ready_[i + 2 * kAhead]->stream->fetch_for_arrival();
    if (i + kAhead < ready_.size()) {
      if (const PacketStream* peer = ready_[i + kAhead]->stream->peer()) peer->fetch_for_departure();
    }
    PacketStream::Socket* socket = ready_[i];
    drain(socket, now);
    // The socket that this one's packets left by is at hand: if it has packets too, they are next.
    if (PacketStream* peer = socket->stream->peer()) drain(&peer->socket(socket->component), now);
  }
  ready_.clear();
  ready_.swap(unfinished_);
  for (PacketStream::Socket* socket : ready_) socket->ready = true;
}

void MediaLoop::drain_shared(int64_t now) {
  for (SharedSocket* shared : shared_ready_) {
    for (unsigned i = 0; i < kSharedBatches; i++) {
      const int got = shared->receive(shared_batch_, now);
      rate_packets_ += static_cast<size_t>(got);
      if (got < static_cast<int>(SharedBatch::kSize)) break;
    }
  }
  shared_ready_.clear();
}

void MediaLoop::drain(PacketStream::Socket* socket, int64_t now) {
  if (!socket->ready) return;
  socket->ready = false;
  // What follows by the shared socket has its turn next, and stays behind what came here before.
  const unsigned turns = socket->led ? kLedBatches : 1;
  for (unsigned turn = 0; turn < turns; turn++) {
    const int got = receive_datagrams(socket->fd, batch_->messages, kBatch);
    for (int i = 0; i < got; i++) {
      msghdr& header = batch_->messages[i].msg_hdr;
      const bool whole = (header.msg_flags & MSG_TRUNC) == 0;
      // A datagram that did not fit is passed on as an empty one, which is malformed.
      socket->stream->receive(socket->component, batch_->buffers[i], whole ? batch_->messages[i].msg_len : 0, batch_->sources[i], now);
      header.msg_namelen = sizeof(Endpoint);
    }
    if (got > 0) rate_packets_ += static_cast<size_t>(got);
    // A full batch leaves more behind. An error (an ICMP answer to what was sent) is taken by the call that reports it.
    if (got != static_cast<int>(kBatch) && (got >= 0 || errno == EAGAIN || errno == EWOULDBLOCK)) return;
  }
  unfinished_.push_back(socket);
}

void MediaLoop::check_deadlines(int64_t now) {
  int64_t next = INT64_MAX;
  for (const auto& stream : streams_) {
    if (stream->deadline() <= now) {
      report_(stream->id(), stream->silent() ? StreamEvent::kSilentTimeout : StreamEvent::kTimeout);
      stream->timed_out();
    }
    next = std::min(next, stream->next_deadline(now));
  }
  next_deadline_ = next == INT64_MAX ? next : std::max(next, now + kDeadlineStep);
}

void MediaLoop::run_connections(int64_t now) {
  int64_t next = INT64_MAX;
  for (PacketStream* stream : connected_) {
    next = std::min(next, stream->run_connection(now));
    for (ConnectionEvent event = stream->take_event(); event != ConnectionEvent::kNone; event = stream->take_event())
      report_(stream->id(), static_cast<StreamEvent>(static_cast<uint8_t>(StreamEvent::kSilentTimeout) + static_cast<uint8_t>(event)));
  }
  next_connection_ = connected_.empty() ? INT64_MAX : std::clamp(next, now + kConnectionStep, now + kConnectionRest);
}

bool MediaLoop::coalesce(size_t packets, int64_t now) {
  if (now - rate_since_ >= 100'000) {
    busy_ = rate_packets_ * 1'000'000 >= kBusyRate * static_cast<size_t>(now - rate_since_);
    rate_since_ = now;
    rate_packets_ = 0;
  }
  return busy_ && packets > 0 && packets < kFullBatch && ready_.empty();
}

}  // namespace media
