// Owns what a stream has in common with a far end that is met by ICE or keyed by DTLS: both, for each component of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dtls_transport.h"
#include "ice_agent.h"

namespace media {

struct ConnectionSettings {
  std::unique_ptr<IceSettings> ice;    // nullptr: addresses are signalled or learned
  std::unique_ptr<DtlsSettings> dtls;  // nullptr: keys are signalled, or there are none
  uint8_t components = 2;              // 1: RTCP shares RTP's port (RFC 5761)
  /// Where DTLS goes without ICE.
  std::array<Endpoint, 2> remote;
};

/// What JavaScript is told of, once each.
enum class ConnectionEvent : uint8_t { kNone, kDtlsConnected, kDtlsFailed, kDtlsWrongFingerprint, kIceFailed };

class Connection final : public DatagramSender {
 public:
  static constexpr uint8_t kMost = 2;
  /// Checks and records looked at in a second: a far end needs a few, and a stranger's cost no more than so many.
  static constexpr uint32_t kMostPerSecond = 500;

  Connection(int rtp_fd, int rtcp_fd) : fds_{rtp_fd, rtcp_fd} {}

  /// What stays the same goes on: an ICE session by its credentials, an association by its fingerprint and role. Milliseconds.
  void configure(const ConnectionSettings& settings, int64_t now);

  bool has_ice() const { return ice_ != nullptr; }
  bool has_dtls() const { return dtls_[0] != nullptr; }
  /// Whether the keys of a component are those of an association that goes on, rather than of a new one.
  bool keyed(uint8_t component) const { return dtls_[component] && dtls_[component]->state() == DtlsTransport::State::kConnected; }

  /// Whether one more may be looked at.
  bool within_rate(int64_t now);
  /// RFC 7983: what each of them is for; the source of a record was admitted. False when it was refused.
  bool receive_stun(uint8_t component, uint8_t* data, size_t length, const Endpoint& source, int64_t now);
  bool receive_dtls(uint8_t component, const uint8_t* data, size_t length, const Endpoint& source, int64_t now);
  /// Sends what is due.
  void run(int64_t now);
  int64_t deadline(int64_t now) const;

  /// Where ICE says that a component's packets go.
  const Endpoint& selected(uint8_t component) const { return ice_->selected(component); }
  bool validated(uint8_t component, const Endpoint& source) const { return ice_ && ice_->validated(component, source); }
  DtlsTransport::Keys take_keys(uint8_t component) { return dtls_[component] ? dtls_[component]->take_keys() : DtlsTransport::Keys{}; }
  ConnectionEvent take_event();
  /// Whether the far end has been found not to be there any more.
  bool lost() const { return ice_ && ice_->failed(); }
  /// Handshakes that ended with another certificate than was signalled, and those that ended otherwise.
  uint64_t wrong_fingerprints() const { return wrong_fingerprints_; }
  uint64_t failures() const { return failures_; }

  void send(uint8_t component, const uint8_t* data, size_t length, const Endpoint& to) override;

 private:
  void start_dtls(int64_t now);
  void note_events();

  const std::array<int, kMost> fds_;
  std::unique_ptr<IceAgent> ice_;
  std::unique_ptr<IceSettings> ice_settings_;
  std::array<std::unique_ptr<DtlsTransport>, kMost> dtls_;
  uint8_t components_ = kMost;
  int64_t rate_since_ = 0;
  uint32_t rate_ = 0;
  uint8_t pending_ = 0;   // a bit for each event not yet taken
  uint64_t wrong_fingerprints_ = 0, failures_ = 0;
  uint8_t reported_ = 0;  // a bit for each event of this configuration
};

}  // namespace media
