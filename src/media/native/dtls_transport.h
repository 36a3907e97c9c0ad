// Owns one DTLS association that keys SRTP (RFC 5764): its handshake, its far end's fingerprint, the keys that come of it.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dtls_identity.h"
#include "ice_agent.h"
#include "srtp_context.h"

namespace media {

/// What both sides said of DTLS.
struct DtlsSettings {
  std::shared_ptr<const DtlsIdentity> identity;
  /// RFC 4145 4: the active side sends the first message.
  bool active = false;
  std::string hash;                  // of the far end's fingerprint: "sha-256"
  std::vector<uint8_t> fingerprint;  // of the far end's certificate

  bool same_association(const DtlsSettings& other) const {
    return identity == other.identity && active == other.active && hash == other.hash && fingerprint == other.fingerprint;
  }
};

class DtlsTransport {
 public:
  enum class State : uint8_t { kWaiting, kHandshaking, kConnected, kFailed };
  /// Why it failed.
  enum class Failure : uint8_t { kNone, kFingerprint, kHandshake };
  struct Keys {
    std::unique_ptr<SrtpContext> in, out;
  };

  /// Records fit into datagrams of this size on every path met. A far end's own are taken whatever their size.
  static constexpr long kMtu = 1200;
  /// The answer to a last flight that was lost is kept at hand for this long after the handshake. Milliseconds.
  static constexpr int64_t kLinger = 60'000;
  /// A handshake that takes longer has failed.
  static constexpr int64_t kHandshakeTime = 30'000;

  DtlsTransport(const DtlsSettings& settings, uint8_t component, DatagramSender* sender);
  ~DtlsTransport();
  DtlsTransport(const DtlsTransport&) = delete;
  DtlsTransport& operator=(const DtlsTransport&) = delete;

  const DtlsSettings& settings() const { return settings_; }
  State state() const { return state_; }
  Failure failure() const { return failure_; }
  /// Where its records go, from now on.
  void set_remote(const Endpoint& remote) { remote_ = remote; }
  const Endpoint& remote() const { return remote_; }

  /// The first message, where this side is the active one and it has not been sent. Times in milliseconds.
  void start(int64_t now);
  /// What a far end begins with (RFC 6347 4.2.2).
  static bool is_client_hello(const uint8_t* data, size_t length) { return length >= 14 && data[0] == 22 && data[13] == 1; }
  /// One datagram of records: one step of the handshake.
  void receive(const uint8_t* data, size_t length, int64_t now);
  /// Sends again what was not answered in time.
  void run(int64_t now);
  /// When run() is next due.
  int64_t deadline() const;
  /// The keys of a handshake that has just ended well; none before, and none a second time.
  Keys take_keys();

  /// Called by OpenSSL for the far end's certificate: the fingerprint decides, nothing else (RFC 5763 5).
  static int verify(X509_STORE_CTX* store, void*);

 private:
  friend struct DtlsBio;

  bool open();
  void step(int64_t now);
  void fail(Failure failure);
  bool export_keys();
  void note_timer(int64_t now);

  const DtlsSettings settings_;
  const uint8_t component_;
  DatagramSender* sender_;  // Borrowed from the connection that owns this transport.
  SSL* ssl_ = nullptr;      // Owned, with its BIO; given back some time after the handshake.
  State state_ = State::kWaiting;
  Failure failure_ = Failure::kNone;
  Endpoint remote_;
  const uint8_t* arrived_ = nullptr;  // the datagram being read
  size_t arrived_length_ = 0;
  int64_t timer_ = INT64_MAX;
  int64_t began_ = 0;
  int64_t ended_ = 0;
  Keys keys_;
};

}  // namespace media
