// Owns one media stream: a pair of sockets, its far end, its keys, and the way of a packet through it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "connection.h"
#include "endpoint.h"
#include "endpoint_latch.h"
#include "media_policy.h"
#include "reception.h"
#include "reports.h"
#include "srtp_context.h"
#include "stats.h"
#include "stream_services.h"
#include "telephone_event.h"

namespace media {

/// The largest datagram taken; longer ones are counted as malformed. Jumbo frames fit.
inline constexpr size_t kMaxDatagram = 9000;
inline constexpr size_t kPacketBuffer = kMaxDatagram + SrtpContext::kMaxGrowth;

/// What JavaScript configures, made in its thread and handed to the stream's loop as a whole. What every packet asks for
/// comes first.
struct StreamSettings {
  bool rtcp_mux = false;
  bool send = true;
  bool receive = true;
  bool own_reports = false;  // RTCP ends here, and the far end gets the relay's own
  bool pass_stun = false;    // STUN goes on, from whomever it is: the far ends do ICE with one another
  bool passthrough = false;  // what arrives is no RTP and goes on as it is
  uint32_t packet_rate = 0;  // good packets taken a second
  std::unique_ptr<SrtpContext> srtp_in;
  std::unique_ptr<SrtpContext> srtp_out;
  MediaPolicy policy;
  int64_t timeout = 0;         // milliseconds; 0: never
  int64_t silent_timeout = 0;  // the same, while the stream is held
  Latching latching = Latching::kStrict;
  Endpoint remote_rtp;
  Endpoint remote_rtcp;
  int64_t learning = 0;  // milliseconds
  /// Keys that packets name by other identifiers than that of the first.
  std::vector<std::unique_ptr<SrtpContext>> srtp_in_further;
  /// ICE, DTLS; nullptr: neither. With DTLS the keys above are absent, and those of the handshake take their place.
  std::unique_ptr<ConnectionSettings> connection;
  uint32_t clock_rate = 8000;
  /// What becomes of payloads that arrive here; nullptr: they stay as they are.
  std::unique_ptr<Conversion> conversion;
  StreamEvents* events = nullptr;  // Borrowed from the relay, which outlives its loops.
};

class SharedSocket;

struct LearnedAddresses {
  Endpoint rtp;
  Endpoint rtcp;
};

/// Everything but what is told from any thread is touched by the stream's loop alone. With thousands of streams no packet
/// finds its stream in the cache: what each one touches lies in few lines, which are fetched ahead.
class alignas(64) PacketStream {
 public:
  enum Component : uint8_t { kRtp, kRtcp };
  /// What the loop waits on; it finds its stream from here.
  struct Socket {
    PacketStream* stream;  // Borrowed: the stream it is part of.
    int fd;
    Component component;
    bool ready = false;  // in the loop's list of sockets that may hold more
    // What follows is set where packets go by a socket that streams share.
    bool led = false;             // the port's datagrams arrive there
    uint8_t tos = 0;
    uint16_t port = 0;
    uint32_t slice = 0;           // of time, in which
    uint32_t arrivals = 0;        // so many datagrams came
    SharedSocket* shared = nullptr;  // Borrowed from the loop.
  };

  PacketStream(uint32_t id, int rtp_fd, int rtcp_fd, int64_t now);
  ~PacketStream();
  PacketStream(const PacketStream&) = delete;
  PacketStream& operator=(const PacketStream&) = delete;

  uint32_t id() const { return id_; }
  Socket& socket(Component component) { return sockets_[component]; }
  /// The stream that its packets leave by, or nullptr.
  PacketStream* peer() const { return peer_; }
  /// Ask the cache for what a packet that arrives here, and one that leaves here, will touch.
  void fetch_for_arrival() const {
    fetch_for_departure();
    fetch(&rate_since_, 1);
    reception_.fetch();
  }
  void fetch_for_departure() const {
    fetch(this, 4);
    fetch(&latches_[kRtp], 1);
    fetch(&counters_, 1);
  }

  /// Where its sockets are bound, and how they mark what they send. Before it is given to a loop.
  void set_local(const Endpoint& address, uint16_t rtp_port, uint8_t tos);
  const Endpoint& local() const { return local_; }
  /// A packet that counts as sent was refused later.
  void send_failed() { counters_.send_errors.add(1); }

  void link(PacketStream* peer);
  void unlink();
  /// Keys that stay the same keep their roll-over counters and replay windows; new ones begin at 0.
  void configure(std::unique_ptr<StreamSettings> settings, int64_t now);

  /// A datagram that arrived at one of the sockets; `data` has room for kPacketBuffer bytes. `now` in microseconds.
  void receive(Component component, uint8_t* data, size_t length, const Endpoint& source, int64_t now);

  /// Whether ICE or DTLS needs run_connection() from time to time.
  bool connected() const { return connection_ != nullptr; }
  /// Sends what is due of checks and handshakes. Milliseconds; returns when it is next due.
  int64_t run_connection(int64_t now);
  ConnectionEvent take_event() { return connection_ ? connection_->take_event() : ConnectionEvent::kNone; }

  /// What is done besides passing packets on; nullptr: nothing. The loop's thread alone.
  StreamServices* services() const { return services_.get(); }
  StreamServices& needed_services();
  void tell_clip_ended() const {
    if (settings_.events) settings_.events->clip_ended(id_);
  }
  /// Sends RTP in the clear to the far end, by the stream's keys; `data` has room for what SRTP adds.
  void depart(uint8_t* data, size_t length, int64_t now) { transmit(Kind::kRtp, kRtp, data, length, now); }

  /// Sends the far end a report of the relay's own, which is due. Microseconds.
  void send_report(int64_t now);

  /// Milliseconds at which the stream will have been quiet for too long; INT64_MAX: never, or reported already.
  int64_t deadline() const;
  /// The earliest that deadline() can become without a configuration: a reported stream may be heard again at once.
  int64_t next_deadline(int64_t now) const;
  /// True when the time-out that is due is the one for held streams.
  bool silent() const { return !settings_.send || !settings_.receive; }
  /// No further deadline until a packet or a configuration comes.
  void timed_out() { reported_ = true; }

  // From any thread.
  const StreamCounters& counters() const { return counters_; }
  LearnedAddresses learned() const;
  const Reception& reception() const { return reception_; }
  const Reports& reports() const { return reports_; }
  /// Milliseconds of the last good packet, 0 for none.
  uint64_t last_packet() const { return last_packet_.get(); }

 private:
  int64_t patience() const { return silent() ? settings_.silent_timeout : settings_.timeout; }
  enum class Kind : uint8_t { kRtp, kRtcp, kReport, kForeign, kStun };

  /// Contexts whose key was there before go on where that was.
  void keep_contexts(StreamSettings* settings);
  SrtpResult unprotect(Component component, bool rtcp, uint8_t* data, size_t* length);
  /// ICE and DTLS as configured; decides whether media may pass yet.
  void connect(StreamSettings* settings, int64_t now);
  /// What is no RTP, and everything while no media may pass: STUN and DTLS where they are spoken (RFC 7983 7).
  void receive_other(Component component, uint8_t* data, size_t length, const Endpoint& source, int64_t now);
  /// What ICE and DTLS have brought about since.
  void adopt_connection();
  /// Keys of the RTCP port's own association are its own (RFC 5764 3).
  bool rtcp_apart() const { return connection_ && connection_->has_dtls() && !settings_.rtcp_mux; }
  void pass_stun(Component component, uint8_t* data, size_t length, int64_t now);
  void receive_foreign(Component component, uint8_t* data, size_t length, const Endpoint& source, int64_t now);
  /// What a packet that was found good brings about. False when it is one too many.
  bool accept(Component component, const Endpoint& source, int64_t now);
  void count_in(bool rtcp, size_t wire_length);
  bool within_rate(int64_t now);
  /// Whether RTCP may be learned from there.
  bool beside_rtp(const Endpoint& source) const;
  /// A packet of a telephone event: counted, and the end of its key told.
  void hear_event(const RtpHeader& header, const uint8_t* data, size_t length, int64_t now);
  /// The way of a packet that is more than passed on.
  void pass_on(uint8_t* data, size_t length, int64_t now);
  void count_failure(SrtpResult result);
  void transmit(Kind kind, Component component, uint8_t* data, size_t length, int64_t now);
  bool send(Socket& socket, const uint8_t* data, size_t length, const Endpoint& to);
  void publish_learned();

  Socket sockets_[2];
  PacketStream* peer_ = nullptr;  // Borrowed from the loop, which unlinks both before either goes.
  std::unique_ptr<StreamServices> services_;
  const uint32_t id_;
  bool configured_ = false;
  bool open_ = false;  // configured, and keyed where DTLS is to give the keys
  bool reported_ = false;
  StreamSettings settings_;
  int64_t rate_since_ = 0;  // microseconds
  uint32_t rate_packets_ = 0;
  uint32_t stun_packets_ = 0;  // of stun_since_
  int64_t stun_since_ = 0;     // microseconds
  int64_t active_;  // milliseconds: the last packet, configuration or the opening
  Counter last_packet_;
  EndpointLatch latches_[2];
  alignas(64) StreamCounters counters_;
  Reception reception_;
  EventDetector dtmf_;
  Reports reports_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<SrtpContext> srtcp_in_, srtcp_out_;
  mutable std::mutex learned_mutex_;  // taken by the loop only when an address is learned
  LearnedAddresses learned_;
  Endpoint local_;
};

}  // namespace media
