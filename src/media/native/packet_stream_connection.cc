// Owns what ICE and DTLS change of a stream: where its packets go, from whom they are taken, under which keys.
#include "packet_stream.h"

namespace media {

void PacketStream::connect(StreamSettings* settings, int64_t now) {
  if (!settings->connection) {
    connection_.reset();
    srtcp_in_.reset();
    srtcp_out_.reset();
    return;
  }
  ConnectionSettings& wanted = *settings->connection;
  wanted.components = settings->rtcp_mux ? 1 : 2;
  wanted.remote = {settings->remote_rtp, settings->remote_rtcp};
  if (!connection_) connection_ = std::make_unique<Connection>(sockets_[kRtp].fd, sockets_[kRtcp].fd);
  connection_->configure(wanted, now);
  // RFC 5763 6.7.2: the keys of an association that goes on go on too.
  if (connection_->keyed(kRtp)) {
    settings->srtp_in = std::move(settings_.srtp_in);
    settings->srtp_out = std::move(settings_.srtp_out);
  }
  if (!connection_->keyed(kRtcp)) {
    srtcp_in_.reset();
    srtcp_out_.reset();
  }
}

void PacketStream::receive_other(Component component, uint8_t* data, size_t length, const Endpoint& source, int64_t now) {
  if (!configured_) return counters_.discarded.add(1);
  if (settings_.pass_stun && looks_like_stun(data, length)) return pass_stun(component, data, length, now);
  const uint8_t first = length > 0 ? data[0] : 255;
  const bool speaks = connection_ && (first < 4 || (connection_->has_dtls() && first >= 20 && first < 64));
  if (speaks && !connection_->within_rate(now / 1000)) return counters_.rate_limited.add(1);
  if (speaks && first < 4) {
    counters_.stun_in.add(1);
    if (!connection_->receive_stun(component, data, length, source, now / 1000)) counters_.stun_refused.add(1);
    return adopt_connection();
  }
  if (speaks) {
    if (!latches_[component].admits(source, now / 1000) && !connection_->validated(component, source))
      return counters_.unknown_source.add(1);
    counters_.dtls_in.add(1);
    connection_->receive_dtls(component, data, length, source, now / 1000);
    if (connection_->keyed(component) && latches_[component].learn(source, now / 1000)) {
      counters_.relearned.add(1);
      publish_learned();
    }
    return adopt_connection();
  }
  // Nothing passes in the clear where DTLS was agreed on.
  (open_ ? counters_.malformed : counters_.discarded).add(1);
}

/// A check may come from any candidate of the far end, and moves nothing: neither addresses nor time-outs.
void PacketStream::pass_stun(Component component, uint8_t* data, size_t length, int64_t now) {
  counters_.stun_in.add(1);
  if (now - stun_since_ >= 1'000'000) {
    stun_since_ = now;
    stun_packets_ = 0;
  }
  if (++stun_packets_ > Connection::kMostPerSecond) return counters_.rate_limited.add(1);
  if (!peer_) return counters_.discarded.add(1);
  peer_->transmit(Kind::kStun, component, data, length, now);
}

void PacketStream::adopt_connection() {
  open_ = configured_;
  if (!connection_) return;
  if (connection_->has_ice()) {
    bool moved = false;
    for (const auto component : {kRtp, kRtcp}) {
      const Endpoint& chosen = connection_->selected(component);
      // While a session that began anew has chosen nothing, what the one before chose stays in use (RFC 8445 9).
      if (latches_[component].destination() == chosen || (!chosen.known() && !connection_->lost())) continue;
      latches_[component].select(chosen);
      if (chosen.known()) counters_.relearned.add(1);
      moved = true;
    }
    if (moved) publish_learned();
  }
  if (connection_->has_dtls()) {
    if (auto keys = connection_->take_keys(kRtp); keys.in) {
      settings_.srtp_in = std::move(keys.in);
      settings_.srtp_out = std::move(keys.out);
    }
    if (auto keys = connection_->take_keys(kRtcp); keys.in) {
      srtcp_in_ = std::move(keys.in);
      srtcp_out_ = std::move(keys.out);
    }
    open_ = configured_ && connection_->keyed(kRtp) && settings_.srtp_in && settings_.srtp_out;
  }
}

int64_t PacketStream::run_connection(int64_t now) {
  connection_->run(now);
  adopt_connection();
  const uint64_t wrong = connection_->wrong_fingerprints(), failures = connection_->failures();
  if (wrong != counters_.dtls_wrong_fingerprint.get()) counters_.dtls_wrong_fingerprint.set(wrong);
  if (failures != counters_.dtls_failures.get()) counters_.dtls_failures.set(failures);
  return connection_->deadline(now);
}

}  // namespace media
