// Owns the way of records between OpenSSL and the sockets, one datagram at a time, and the exporter of RFC 5764 4.2.
#include "dtls_transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>

namespace media {

/// A BIO whose other end is a transport: what is written leaves as a datagram, what is read is the one that arrived.
struct DtlsBio {
  static int write(BIO* bio, const char* data, int length) {
    auto* transport = static_cast<DtlsTransport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (length > 0 && transport->remote_.known())
      transport->sender_->send(transport->component_, reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(length), transport->remote_);
    // A datagram that is lost is sent again by the timer.
    return length;
  }

  static int read(BIO* bio, char* out, int room) {
    auto* transport = static_cast<DtlsTransport*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (!transport->arrived_ || room <= 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const size_t length = std::min(transport->arrived_length_, static_cast<size_t>(room));
    std::memcpy(out, transport->arrived_, length);
    transport->arrived_ = nullptr;
    return static_cast<int>(length);
  }

  static long control(BIO*, int command, long, void*) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_DGRAM_QUERY_MTU:
      case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return DtlsTransport::kMtu;
      default:
        return 0;
    }
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "media datagrams");
      BIO_meth_set_write(method, write);
      BIO_meth_set_read(method, read);
      BIO_meth_set_ctrl(method, control);
      BIO_meth_set_create(method, create);
      return method;
    }();
    return made;
  }
};

namespace {

/// RFC 6347 4.2.4.1 asks for a second; half of it, doubled up to three, brings a call up sooner where packets are lost.
unsigned next_wait(SSL*, unsigned before) { return before == 0 ? 500'000 : std::min(before * 2, 3'000'000u); }

/// RFC 5764 4.1.2, RFC 7714 14.2: the suite that a profile stands for.
const CryptoSuite* suite_of(unsigned long profile) {
  const char* name = nullptr;
  if (profile == SRTP_AES128_CM_SHA1_80) name = "AES_CM_128_HMAC_SHA1_80";
  if (profile == SRTP_AES128_CM_SHA1_32) name = "AES_CM_128_HMAC_SHA1_32";
  if (profile == SRTP_AEAD_AES_128_GCM) name = "AEAD_AES_128_GCM";
  if (profile == SRTP_AEAD_AES_256_GCM) name = "AEAD_AES_256_GCM";
  for (const CryptoSuite& suite : kCryptoSuites)
    if (name && suite.name == name) return &suite;
  return nullptr;
}

}  // namespace

DtlsTransport::DtlsTransport(const DtlsSettings& settings, uint8_t component, DatagramSender* sender)
    : settings_(settings), component_(component), sender_(sender) {}

DtlsTransport::~DtlsTransport() { SSL_free(ssl_); }

bool DtlsTransport::open() {
  if (ssl_) return true;
  BIO* bio = BIO_new(DtlsBio::method());
  ssl_ = SSL_new(settings_.identity->context());
  if (!bio || !ssl_) {
    BIO_free(bio);
    return false;
  }
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  SSL_set_mtu(ssl_, kMtu);
  DTLS_set_timer_cb(ssl_, next_wait);
  // RFC 5763 5: the active side is the client.
  if (settings_.active) {
    SSL_set_connect_state(ssl_);
  } else {
    SSL_set_accept_state(ssl_);
  }
  return true;
}

void DtlsTransport::start(int64_t now) {
  if (state_ != State::kWaiting || !settings_.active || !remote_.known()) return;
  step(now);
}

void DtlsTransport::receive(const uint8_t* data, size_t length, int64_t now) {
  if (state_ == State::kFailed || (state_ == State::kConnected && !ssl_)) return;
  // The passive side is woken by a ClientHello alone: whatever else comes first keeps no state.
  if (state_ == State::kWaiting && !settings_.active && !is_client_hello(data, length)) return;
  arrived_ = data;
  arrived_length_ = length;
  step(now);
  arrived_ = nullptr;
}

void DtlsTransport::step(int64_t now) {
  ERR_clear_error();
  if (!open()) return fail(Failure::kHandshake);
  if (state_ == State::kWaiting) {
    state_ = State::kHandshaking;
    began_ = now;
  }
  if (state_ == State::kConnected) {
    // Nothing but a repeated last flight is expected; OpenSSL answers it, and what else comes is thrown away.
    char ignored[2048];
    SSL_read(ssl_, ignored, sizeof ignored);
    ERR_clear_error();
    return;
  }
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    if (!export_keys()) return fail(Failure::kHandshake);
    state_ = State::kConnected;
    ended_ = now;
  } else {
    const int error = SSL_get_error(ssl_, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return fail(failure_ == Failure::kNone ? Failure::kHandshake : failure_);
  }
  note_timer(now);
  ERR_clear_error();
}

void DtlsTransport::note_timer(int64_t now) {
  timeval left{};
  timer_ = ssl_ && DTLSv1_get_timeout(ssl_, &left) == 1 ? now + left.tv_sec * 1000 + left.tv_usec / 1000 + 1 : INT64_MAX;
}

int64_t DtlsTransport::deadline() const {
  if (!ssl_) return INT64_MAX;
  return state_ == State::kConnected ? std::min(timer_, ended_ + kLinger) : timer_;
}

void DtlsTransport::run(int64_t now) {
  if (!ssl_) return;
  if (state_ == State::kConnected && now >= ended_ + kLinger) {
    SSL_free(ssl_);
    ssl_ = nullptr;
    return;
  }
  if (now < timer_) return;
  if (state_ == State::kHandshaking && now - began_ > kHandshakeTime) return fail(Failure::kHandshake);
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_) < 0 && state_ == State::kHandshaking) return fail(Failure::kHandshake);
  note_timer(now);
  ERR_clear_error();
}

void DtlsTransport::fail(Failure failure) {
  state_ = State::kFailed;
  failure_ = failure;
  SSL_free(ssl_);
  ssl_ = nullptr;
  ERR_clear_error();
}

int DtlsTransport::verify(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* transport = static_cast<DtlsTransport*>(SSL_get_app_data(ssl));
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  const auto& expected = transport->settings_.fingerprint;
  const EVP_MD* digest = fingerprint_hash(transport->settings_.hash);
  uint8_t found[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (certificate && digest && X509_digest(certificate, digest, found, &size) == 1 && size == expected.size() &&
      equal_in_constant_time(found, expected.data(), size)) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  transport->failure_ = Failure::kFingerprint;
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

/// RFC 5764 4.2: client key, server key, client salt, server salt. The client is the active side.
bool DtlsTransport::export_keys() {
  const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl_);
  const CryptoSuite* suite = profile ? suite_of(profile->id) : nullptr;
  if (!suite) return false;
  constexpr std::string_view label = "EXTRACTOR-dtls_srtp";
  uint8_t material[2 * (kMaxKeyLength + kSaltLength)];
  const size_t key = suite->key_length, salt = suite->salt_length;
  if (SSL_export_keying_material(ssl_, material, 2 * (key + salt), label.data(), label.size(), nullptr, 0, 0) != 1) return false;
  uint8_t client[kMaxKeyLength + kSaltLength], server[kMaxKeyLength + kSaltLength];
  std::memcpy(client, material, key);
  std::memcpy(server, material + key, key);
  std::memcpy(client + key, material + 2 * key, salt);
  std::memcpy(server + key, material + 2 * key + salt, salt);
  auto ours = std::make_unique<SrtpContext>(*suite, std::span<const uint8_t>(settings_.active ? client : server, key + salt));
  auto theirs = std::make_unique<SrtpContext>(*suite, std::span<const uint8_t>(settings_.active ? server : client, key + salt));
  keys_ = {std::move(theirs), std::move(ours)};
  for (auto* secret : {material, client, server}) wipe(secret, secret == material ? sizeof material : sizeof client);
  return true;
}

DtlsTransport::Keys DtlsTransport::take_keys() { return std::move(keys_); }

}  // namespace media
