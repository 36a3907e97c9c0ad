// Owns the packet processing of RFC 3711 3.3 (RTP) and 3.4 (RTCP).
#include "srtp_context.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rtcp.h"

namespace media {

namespace {

/// RFC 3711 3.3.1 and appendix A: the index whose low half is `sequence` and that lies nearest to the highest seen.
/// False when that is just before the first packet of the key. What seems further before it has leapt ahead: under a
/// roll-over counter of 0 nothing is nearer.
bool estimate_index(const ReplayWindow& window, uint16_t sequence, uint64_t* index) {
  const uint64_t highest = window.empty() ? sequence : window.highest();
  const auto last = static_cast<uint16_t>(highest);
  uint64_t roc = highest >> 16;
  if (last < 0x8000) {
    if (sequence - last > 0x8000) {
      if (roc > 0) {
        roc--;
      } else if (highest + 0x10000 - sequence < ReplayWindow::kWidth) {
        return false;
      }
    }
  } else if (last - 0x8000 > sequence) {
    roc++;
  }
  *index = roc << 16 | sequence;
  return true;
}

constexpr uint64_t kMaxIndex = (uint64_t{1} << 48) - 1;
constexpr uint32_t kMaxRtcpIndex = 0x7fffffff;
constexpr uint32_t kEncrypted = 0x80000000;
constexpr size_t kRtcpIndexLength = 4;

}  // namespace

SrtpContext::SrtpContext(const CryptoSuite& suite, std::span<const uint8_t> master, std::span<const uint8_t> mki)
    : suite_(suite),
      rtp_(SessionCipher::make(suite, master, SessionCipher::Purpose::kRtp)),
      rtcp_(SessionCipher::make(suite, master, SessionCipher::Purpose::kRtcp)),
      mki_length_(std::min(mki.size(), kMaxMki)) {
  std::copy_n(mki.begin(), mki_length_, mki_.begin());
  std::memcpy(master_.data(), master.data(), suite.master_length());
  sources_.reserve(4);
}

SrtpContext::~SrtpContext() { wipe(master_.data(), master_.size()); }

bool SrtpContext::same_key(const SrtpContext& other) const {
  return &suite_ == &other.suite_ && equal_in_constant_time(master_.data(), other.master_.data(), master_.size());
}

void SrtpContext::take_mki(const SrtpContext& other) {
  mki_ = other.mki_;
  mki_length_ = other.mki_length_;
}

/// RFC 3711 3.1 and 3.4: the tag comes last; RFC 7714 8.2 and 9.2: the tag is part of the ciphertext.
SrtpContext::Layout SrtpContext::layout(size_t size, size_t tag_length, size_t index_length) const {
  Layout at;
  at.tag = suite_.aead ? size : size + index_length + mki_length_;
  at.index = suite_.aead ? size + tag_length : size;
  at.mki = at.index + index_length;
  at.end = size + tag_length + index_length + mki_length_;
  return at;
}

bool SrtpContext::names_key(const uint8_t* mki) const { return std::memcmp(mki, mki_.data(), mki_length_) == 0; }

SrtpContext::Source* SrtpContext::find(uint32_t ssrc) {
  for (size_t i = 0; i < sources_.size(); i++) {
    if (sources_[i].ssrc != ssrc) continue;
    // The source in use stands first, so that the usual search is one comparison.
    if (i > 0) std::swap(sources_[i], sources_[0]);
    return &sources_[0];
  }
  return nullptr;
}

SrtpContext::Source* SrtpContext::find_or_add(uint32_t ssrc) {
  if (Source* found = find(ssrc)) return found;
  // An old source is never forgotten for a new one: its packets could then be replayed, or its keystream used twice.
  if (sources_.size() == kMaxSources) return nullptr;
  sources_.push_back({.ssrc = ssrc});
  std::swap(sources_.front(), sources_.back());
  return &sources_.front();
}

SrtpResult SrtpContext::protect_rtp(uint8_t* data, size_t* length) {
  RtpHeader header;
  if (!RtpHeader::parse(data, *length, &header)) return SrtpResult::kShort;
  Source* source = find_or_add(header.ssrc);
  if (!source) return SrtpResult::kSsrcLimit;
  uint64_t index = 0;
  if (!estimate_index(source->rtp, header.sequence, &index)) return SrtpResult::kReplay;
  // RFC 3711 9.2: neither the 2^48 packets of a key nor one index twice, which would use its keystream twice.
  if (index > kMaxIndex) return SrtpResult::kExhausted;
  if (source->rtp.check(index) != ReplayWindow::Verdict::kNew) return SrtpResult::kReplay;
  source->rtp.add(index);
  const Layout at = layout(*length, suite_.tag_length, 0);
  CipherPacket packet{data, header.size, *length, header.ssrc, index, {}, true, data + at.tag, suite_.tag_length};
  write32(packet.trailer, static_cast<uint32_t>(index >> 16));
  rtp_->seal(packet);
  std::memcpy(data + at.mki, mki_.data(), mki_length_);
  *length = at.end;
  return SrtpResult::kOk;
}

SrtpResult SrtpContext::unprotect_rtp(uint8_t* data, size_t* length) {
  RtpHeader header;
  const size_t added = suite_.tag_length + mki_length_;
  if (*length < 12 + added) return SrtpResult::kShort;
  const size_t size = *length - added;
  if (!RtpHeader::parse(data, size, &header)) return SrtpResult::kShort;
  const Layout at = layout(size, suite_.tag_length, 0);
  if (!names_key(data + at.mki)) return SrtpResult::kMki;
  Source* source = find(header.ssrc);
  uint64_t index = header.sequence;
  if (source && !estimate_index(source->rtp, header.sequence, &index)) return SrtpResult::kReplay;
  // RFC 3711 3.3 step 5: the replay check comes before the tag, which costs more; the window moves after it.
  if (index > kMaxIndex) return SrtpResult::kExhausted;
  if (source && source->rtp.check(index) != ReplayWindow::Verdict::kNew) return SrtpResult::kReplay;
  CipherPacket packet{data, header.size, size, header.ssrc, index, {}, true, data + at.tag, suite_.tag_length};
  const bool first = !source && header.sequence < 0x8000;
  if (!(first ? open_first(&packet) : open_rtp(&packet))) return SrtpResult::kAuth;
  index = packet.index;
  if (!source && !(source = find_or_add(header.ssrc))) return SrtpResult::kSsrcLimit;
  source->rtp.add(index);
  *length = size;
  return SrtpResult::kOk;
}

bool SrtpContext::open_rtp(CipherPacket* packet) {
  write32(packet->trailer, static_cast<uint32_t>(packet->index >> 16));
  return rtp_->open(*packet);
}

/// RFC 3711 3.3.1 begins at a roll-over counter of 0, but the packets before the sequence number began anew may not have
/// been heard: whoever starts high speaks before the keys are known here. Both are tried, and the tag says which it is.
bool SrtpContext::open_first(CipherPacket* packet) {
  const size_t length = packet->size - packet->clear;
  std::array<uint8_t, kMaxFirst> before;
  if (length > before.size()) return open_rtp(packet);
  // GCM decrypts what it then finds to be of another index.
  std::memcpy(before.data(), packet->data + packet->clear, length);
  if (open_rtp(packet)) return true;
  std::memcpy(packet->data + packet->clear, before.data(), length);
  packet->index += 0x10000;
  return open_rtp(packet);
}

SrtpResult SrtpContext::protect_rtcp(uint8_t* data, size_t* length) {
  RtcpHeader header;
  if (!RtcpHeader::parse(data, *length, &header)) return SrtpResult::kShort;
  Source* source = find_or_add(header.ssrc);
  if (!source) return SrtpResult::kSsrcLimit;
  // RFC 3711 9.2: at most 2^31 SRTCP packets under one key.
  if (source->next_rtcp > kMaxRtcpIndex) return SrtpResult::kExhausted;
  const uint32_t index = source->next_rtcp++;
  const Layout at = layout(*length, suite_.rtcp_tag_length, kRtcpIndexLength);
  CipherPacket packet{data, 8, *length, header.ssrc, index, {}, true, data + at.tag, suite_.rtcp_tag_length};
  write32(packet.trailer, kEncrypted | index);
  rtcp_->seal(packet);
  std::memcpy(data + at.index, packet.trailer, kRtcpIndexLength);
  std::memcpy(data + at.mki, mki_.data(), mki_length_);
  *length = at.end;
  return SrtpResult::kOk;
}

SrtpResult SrtpContext::unprotect_rtcp(uint8_t* data, size_t* length) {
  RtcpHeader header;
  const size_t added = suite_.rtcp_tag_length + kRtcpIndexLength + mki_length_;
  if (*length < 8 + added) return SrtpResult::kShort;
  const size_t size = *length - added;
  if (!RtcpHeader::parse(data, size, &header)) return SrtpResult::kShort;
  const Layout at = layout(size, suite_.rtcp_tag_length, kRtcpIndexLength);
  if (!names_key(data + at.mki)) return SrtpResult::kMki;
  const uint32_t word = read32(data + at.index);
  const uint32_t index = word & kMaxRtcpIndex;
  Source* source = find(header.ssrc);
  if (source && source->rtcp.check(index) != ReplayWindow::Verdict::kNew) return SrtpResult::kReplay;
  // RFC 3711 3.4: the E bit says whether the packet is encrypted; authenticated it is in either case.
  CipherPacket packet{data, 8, size, header.ssrc, index, {}, (word & kEncrypted) != 0, data + at.tag, suite_.rtcp_tag_length};
  write32(packet.trailer, word);
  if (!rtcp_->open(packet)) return SrtpResult::kAuth;
  if (!source && !(source = find_or_add(header.ssrc))) return SrtpResult::kSsrcLimit;
  source->rtcp.add(index);
  *length = size;
  return SrtpResult::kOk;
}

}  // namespace media
