// Owns the order of things: an address from ICE first, then the handshake over it, then its keys.
#include "connection.h"

#include <algorithm>

#include "system_calls.h"

namespace media {

void Connection::configure(const ConnectionSettings& settings, int64_t now) {
  components_ = settings.components;
  if (!settings.ice) {
    ice_.reset();
    ice_settings_.reset();
  } else {
    if (!ice_ || !ice_settings_->same_session(*settings.ice)) {
      // RFC 8445 9: of a session begun anew, the pair in use stays until another is chosen. That is the latch's to remember.
      ice_ = std::make_unique<IceAgent>(*settings.ice, this, now);
      ice_settings_ = std::make_unique<IceSettings>(*settings.ice);
    }
    ice_->configure(*settings.ice, components_, now);
  }
  for (uint8_t component = 0; component < kMost; component++) {
    auto& transport = dtls_[component];
    if (!settings.dtls || component >= components_) {
      transport.reset();
      continue;
    }
    const bool goes_on = transport && transport->state() != DtlsTransport::State::kFailed && transport->settings().same_association(*settings.dtls);
    if (!goes_on) transport = std::make_unique<DtlsTransport>(*settings.dtls, component, this);
    if (!settings.ice && !transport->remote().known()) transport->set_remote(settings.remote[component]);
  }
  reported_ = 0;
  pending_ = 0;
  start_dtls(now);
}

void Connection::start_dtls(int64_t now) {
  for (uint8_t component = 0; component < components_; component++) {
    if (!dtls_[component]) continue;
    if (ice_ && ice_->selected(component).known()) dtls_[component]->set_remote(ice_->selected(component));
    dtls_[component]->start(now);
  }
}

bool Connection::within_rate(int64_t now) {
  if (now - rate_since_ >= 1000) {
    rate_since_ = now;
    rate_ = 0;
  }
  return ++rate_ <= kMostPerSecond;
}

bool Connection::receive_stun(uint8_t component, uint8_t* data, size_t length, const Endpoint& source, int64_t now) {
  if (!ice_) return false;
  const bool taken = ice_->receive(component, data, length, source, now);
  start_dtls(now);
  note_events();
  return taken;
}

bool Connection::receive_dtls(uint8_t component, const uint8_t* data, size_t length, const Endpoint& source, int64_t now) {
  if (component >= components_ || !dtls_[component]) return false;
  // A handshake that broke off may begin anew; one that showed a wrong certificate may not.
  if (dtls_[component]->failure() == DtlsTransport::Failure::kHandshake && !dtls_[component]->settings().active && DtlsTransport::is_client_hello(data, length))
    dtls_[component] = std::make_unique<DtlsTransport>(DtlsSettings(dtls_[component]->settings()), component, this);
  DtlsTransport& transport = *dtls_[component];
  // Answers go where ICE says; before it has said so, and without it, to who was found good enough to be heard.
  if (!(ice_ && ice_->selected(component).known()) && transport.state() != DtlsTransport::State::kConnected) transport.set_remote(source);
  transport.receive(data, length, now);
  note_events();
  return true;
}

void Connection::run(int64_t now) {
  if (ice_) ice_->run(now);
  start_dtls(now);
  for (const auto& transport : dtls_)
    if (transport) transport->run(now);
  note_events();
}

int64_t Connection::deadline(int64_t now) const {
  int64_t next = ice_ ? ice_->deadline(now) : INT64_MAX;
  for (const auto& transport : dtls_)
    if (transport) next = std::min(next, transport->deadline());
  return next;
}

void Connection::note_events() {
  uint8_t now = 0;
  const auto set = [&now](ConnectionEvent event) { now |= static_cast<uint8_t>(1 << static_cast<uint8_t>(event)); };
  bool connected = dtls_[0] != nullptr;
  for (uint8_t component = 0; component < components_; component++) {
    const DtlsTransport* transport = dtls_[component].get();
    if (!transport) continue;
    if (transport->state() != DtlsTransport::State::kConnected) connected = false;
    if (transport->failure() == DtlsTransport::Failure::kFingerprint) set(ConnectionEvent::kDtlsWrongFingerprint);
    if (transport->state() == DtlsTransport::State::kFailed && transport->failure() == DtlsTransport::Failure::kHandshake) set(ConnectionEvent::kDtlsFailed);
  }
  if (connected) set(ConnectionEvent::kDtlsConnected);
  if (ice_ && ice_->failed()) set(ConnectionEvent::kIceFailed);
  const auto fresh = static_cast<uint8_t>(now & ~reported_);
  wrong_fingerprints_ += fresh >> static_cast<uint8_t>(ConnectionEvent::kDtlsWrongFingerprint) & 1;
  failures_ += fresh >> static_cast<uint8_t>(ConnectionEvent::kDtlsFailed) & 1;
  pending_ |= fresh;
  reported_ |= now;
}

ConnectionEvent Connection::take_event() {
  for (uint8_t event = 1; event <= static_cast<uint8_t>(ConnectionEvent::kIceFailed); event++) {
    const auto bit = static_cast<uint8_t>(1 << event);
    if (!(pending_ & bit)) continue;
    pending_ &= static_cast<uint8_t>(~bit);
    return static_cast<ConnectionEvent>(event);
  }
  return ConnectionEvent::kNone;
}

void Connection::send(uint8_t component, const uint8_t* data, size_t length, const Endpoint& to) {
  // What does not go out is sent again by the timers.
  if (length > 0) send_datagram(fds_[component], data, length, to);
}

}  // namespace media
