// Owns the checks between a datagram and its way out, in the order that keeps forged packets cheap and harmless.
#include "packet_stream.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>

#include "rtcp.h"
#include "shared_socket.h"
#include "system_calls.h"

namespace media {

PacketStream::PacketStream(uint32_t id, int rtp_fd, int rtcp_fd, int64_t now)
    : sockets_{{this, rtp_fd, kRtp}, {this, rtcp_fd, kRtcp}}, id_(id), active_(now) {}

PacketStream::~PacketStream() {
  for (const Socket& socket : sockets_) close(socket.fd);
}

void PacketStream::set_local(const Endpoint& address, uint16_t rtp_port, uint8_t tos) {
  local_ = address;
  for (Socket& socket : sockets_) {
    socket.port = static_cast<uint16_t>(rtp_port + socket.component);
    socket.tos = tos;
  }
}

void PacketStream::link(PacketStream* peer) {
  unlink();
  peer->unlink();
  if (peer == this) return;
  peer_ = peer;
  peer->peer_ = this;
}

void PacketStream::unlink() {
  if (peer_) peer_->peer_ = nullptr;
  peer_ = nullptr;
}

void PacketStream::configure(std::unique_ptr<StreamSettings> settings, int64_t now) {
  connect(settings.get(), now);
  keep_contexts(settings.get());
  settings_ = std::move(*settings);
  latches_[kRtp].configure(settings_.latching, settings_.remote_rtp, settings_.learning);
  latches_[kRtcp].configure(settings_.latching, settings_.remote_rtcp, settings_.learning);
  reception_.set_clock_rate(settings_.clock_rate);
  if (services_ || settings_.conversion) needed_services().set_conversion(std::move(settings_.conversion));
  if (services_ || settings_.own_reports) needed_services().report(settings_.own_reports, now * 1000);
  if (services_ && services_->idle()) services_.reset();
  configured_ = true;
  adopt_connection();
  publish_learned();
  reported_ = false;
  active_ = now;
}

void PacketStream::keep_contexts(StreamSettings* settings) {
  const auto keep = [](std::unique_ptr<SrtpContext>& before, std::unique_ptr<SrtpContext>& after) {
    if (!before || !after || !before->same_key(*after)) return false;
    before->take_mki(*after);
    after.swap(before);
    return true;
  };
  keep(settings_.srtp_out, settings->srtp_out);
  if (!keep(settings_.srtp_in, settings->srtp_in))
    for (auto& before : settings_.srtp_in_further) keep(before, settings->srtp_in);
  for (auto& after : settings->srtp_in_further) {
    if (keep(settings_.srtp_in, after)) continue;
    for (auto& before : settings_.srtp_in_further)
      if (keep(before, after)) break;
  }
}

void PacketStream::receive(Component component, uint8_t* data, size_t length, const Endpoint& source, int64_t now) {
  if (!open_) return receive_other(component, data, length, source, now);
  if (settings_.passthrough) return receive_foreign(component, data, length, source, now);
  // RFC 5761 4: on the RTP port, RTCP is told by its packet type; on the RTCP port nothing else is taken.
  const bool rtcp = component == kRtcp || looks_like_rtcp(data, length);
  RtpHeader rtp_header;
  RtcpHeader rtcp_header;
  if (rtcp ? !RtcpHeader::parse(data, length, &rtcp_header) : !RtpHeader::parse(data, length, &rtp_header))
    return receive_other(component, data, length, source, now);

  if (!latches_[component].admits(source, now / 1000) && !(connection_ && connection_->validated(component, source)))
    return counters_.unknown_source.add(1);

  if (component == kRtcp && !settings_.srtp_in && !beside_rtp(source)) return counters_.unknown_source.add(1);

  const size_t wire_length = length;
  if (settings_.srtp_in) {
    const SrtpResult result = unprotect(component, rtcp, data, &length);
    if (result != SrtpResult::kOk) return count_failure(result);
  }
  if (rtcp && !rtcp_lengths_add_up(data, length)) return counters_.malformed.add(1);
  if (!accept(component, source, now)) return;
  count_in(rtcp, wire_length);
  if (rtcp) {
    reports_.received(data, length, now);
    if (services_) [[unlikely]] services_->heard(true, data, length, source, now);
    if (settings_.own_reports) return;
    if (!settings_.receive || !peer_) return counters_.discarded.add(1);
    return peer_->transmit(Kind::kRtcp, component, data, length, now);
  }
  reception_.received(rtp_header, wire_length, now, &counters_);
  const bool telephone_event = settings_.policy.is_telephone_event(data);
  if (telephone_event) hear_event(rtp_header, data, length, now);
  if (services_) [[unlikely]] services_->heard(false, data, length, source, now);
  if (!settings_.receive || !peer_) return counters_.discarded.add(1);
  switch (settings_.policy.apply(telephone_event, rtp_header.size, data, length)) {
    case MediaPolicy::Verdict::kBlockDtmf:
      return counters_.dtmf_blocked.add(1);
    case MediaPolicy::Verdict::kBlock:
      return counters_.blocked.add(1);
    case MediaPolicy::Verdict::kSilenced:
      counters_.silenced.add(1);
      break;
    case MediaPolicy::Verdict::kPass:
      break;
  }
  if (services_ || peer_->services_) [[unlikely]] return pass_on(data, length, now);
  peer_->transmit(Kind::kRtp, component, data, length, now);
}

void PacketStream::hear_event(const RtpHeader& header, const uint8_t* data, size_t length, int64_t now) {
  counters_.dtmf_packets.add(1);
  TelephoneEvent event;
  if (!TelephoneEvent::parse(data + header.size, length - header.size, &event)) return;
  const EventDetector::Outcome outcome = dtmf_.heard(header, event, now);
  if (outcome.began) counters_.dtmf_events.add(1);
  if (!settings_.events) return;
  for (size_t i = 0; i < outcome.count; i++) settings_.events->dtmf(id_, outcome.ended[i]);
}

void PacketStream::pass_on(uint8_t* data, size_t length, int64_t now) {
  Departure departure(*peer_, Departure::Admission::kRelayed, now);
  if (services_ && services_->converts()) {
    services_->convert(data, length, departure);
  } else {
    departure.packet(data, length);
  }
}

StreamServices& PacketStream::needed_services() {
  if (!services_) services_ = std::make_unique<StreamServices>();
  return *services_;
}

void PacketStream::receive_foreign(Component component, uint8_t* data, size_t length, const Endpoint& source, int64_t now) {
  if (length == 0) return counters_.malformed.add(1);
  if (!latches_[component].admits(source, now / 1000)) return counters_.unknown_source.add(1);
  if (!accept(component, source, now)) return;
  count_in(component == kRtcp, length);
  if (!settings_.receive || !peer_) return counters_.discarded.add(1);
  if (settings_.policy.media != MediaPolicy::Media::kPass) return counters_.blocked.add(1);
  peer_->transmit(Kind::kForeign, component, data, length, now);
}

bool PacketStream::accept(Component component, const Endpoint& source, int64_t now) {
  const int64_t milliseconds = now / 1000;
  // Only now is the packet known to be the far end's: what is learned of it comes after.
  if (latches_[component].learn(source, milliseconds)) {
    counters_.relearned.add(1);
    publish_learned();
  }
  // Legs that point at each other, here or by way of another relay, would pass a packet round for ever.
  if (!within_rate(now)) {
    counters_.rate_limited.add(1);
    return false;
  }
  active_ = milliseconds;
  reported_ = false;
  last_packet_.set(static_cast<uint64_t>(milliseconds));
  return true;
}

void PacketStream::count_in(bool rtcp, size_t wire_length) {
  (rtcp ? counters_.rtcp_packets_in : counters_.rtp_packets_in).add(1);
  (rtcp ? counters_.rtcp_bytes_in : counters_.rtp_bytes_in).add(wire_length);
}

/// RTCP is rare: until its first packet a stranger could take its port, and hear what the other side reports. Whose RTP is
/// known sends its RTCP from the same address, or from where it said.
bool PacketStream::beside_rtp(const Endpoint& source) const {
  const Endpoint& learned = latches_[kRtp].learned();
  return settings_.latching != Latching::kLearn || !learned.known() || source == latches_[kRtcp].learned() ||
         source.same_address(learned) || source.same_address(settings_.remote_rtcp);
}

bool PacketStream::within_rate(int64_t now) {
  if (now - rate_since_ >= 1'000'000) {
    rate_since_ = now;
    rate_packets_ = 0;
  }
  return ++rate_packets_ <= settings_.packet_rate;
}

SrtpResult PacketStream::unprotect(Component component, bool rtcp, uint8_t* data, size_t* length) {
  if (!rtcp || component == kRtp || !rtcp_apart()) {
    const auto open = [=](SrtpContext& context) { return rtcp ? context.unprotect_rtcp(data, length) : context.unprotect_rtp(data, length); };
    SrtpResult result = open(*settings_.srtp_in);
    // Identifiers are all of one length, and the packet is as it came until its own is found.
    for (size_t i = 0; result == SrtpResult::kMki && i < settings_.srtp_in_further.size(); i++) result = open(*settings_.srtp_in_further[i]);
    return result;
  }
  return srtcp_in_ ? srtcp_in_->unprotect_rtcp(data, length) : SrtpResult::kAuth;
}

void PacketStream::count_failure(SrtpResult result) {
  switch (result) {
    case SrtpResult::kOk:
      break;
    case SrtpResult::kShort:
      return counters_.srtp_short.add(1);
    case SrtpResult::kMki:
      return counters_.srtp_mki.add(1);
    case SrtpResult::kReplay:
      return counters_.srtp_replay.add(1);
    case SrtpResult::kSsrcLimit:
      return counters_.srtp_ssrc_limit.add(1);
    case SrtpResult::kAuth:
    case SrtpResult::kExhausted:
      return counters_.srtp_auth.add(1);
  }
}

void PacketStream::transmit(Kind kind, Component component, uint8_t* data, size_t length, int64_t now) {
  const bool rtcp = kind == Kind::kRtcp || kind == Kind::kReport || (kind >= Kind::kForeign && component == kRtcp);
  // A mux'd far end gets both on its RTP port, from ours (RFC 5761 3).
  const Component out = rtcp && !settings_.rtcp_mux ? kRtcp : kRtp;
  const Endpoint& destination = latches_[out].destination();
  // RFC 3264 5.1: whatever the direction of the media, RTCP is sent.
  if (!open_ || (!settings_.send && kind != Kind::kReport && kind != Kind::kStun) || !destination.known()) return counters_.discarded.add(1);
  if (kind == Kind::kRtcp || kind == Kind::kReport) reports_.sent(data, length, now);
  if (services_ && kind == Kind::kRtp) [[unlikely]] services_->departing(data, length, settings_.clock_rate, now);
  if (kind == Kind::kStun) {
    if (!settings_.pass_stun || !send(sockets_[out], data, length, destination)) counters_.discarded.add(1);
    return;
  }
  if (settings_.srtp_out) {
    // What is no RTP cannot be protected, and never leaves unprotected where protection was agreed.
    if (kind == Kind::kForeign) return counters_.srtp_unsent.add(1);
    SrtpContext* context = out == kRtcp && rtcp_apart() ? srtcp_out_.get() : settings_.srtp_out.get();
    if (!context) return counters_.srtp_unsent.add(1);
    const SrtpResult result = rtcp ? context->protect_rtcp(data, &length) : context->protect_rtp(data, &length);
    if (result != SrtpResult::kOk) return counters_.srtp_unsent.add(1);
  }
  if (!send(sockets_[out], data, length, destination)) return counters_.send_errors.add(1);
  (rtcp ? counters_.rtcp_packets_out : counters_.rtp_packets_out).add(1);
  (rtcp ? counters_.rtcp_bytes_out : counters_.rtp_bytes_out).add(length);
}

void PacketStream::send_report(int64_t now) {
  Reception::Reports sources;
  const size_t count = reception_.report(&sources);
  std::array<uint8_t, ReportWriter::kLongest + SrtpContext::kMaxGrowth> packet;
  const size_t length = services_->reports()->write(std::span(sources).first(count), now, wall_microseconds(), packet.data());
  transmit(Kind::kReport, kRtcp, packet.data(), length, now);
}

bool PacketStream::send(Socket& socket, const uint8_t* data, size_t length, const Endpoint& to) {
  if (socket.shared && socket.shared->send(socket, data, length, to)) return true;
  return send_datagram(socket.fd, data, length, to) >= 0;
}

int64_t PacketStream::deadline() const {
  return configured_ && patience() > 0 && !reported_ ? active_ + patience() : INT64_MAX;
}

int64_t PacketStream::next_deadline(int64_t now) const {
  return configured_ && patience() > 0 && reported_ ? now + patience() : deadline();
}

void PacketStream::publish_learned() {
  const std::scoped_lock lock(learned_mutex_);
  learned_ = {latches_[kRtp].learned(), latches_[kRtcp].learned()};
}

LearnedAddresses PacketStream::learned() const {
  const std::scoped_lock lock(learned_mutex_);
  return learned_;
}

}  // namespace media
