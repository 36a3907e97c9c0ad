// Owns the packet processing of RFC 3711 3.3 (RTP) and 3.4 (RTCP).
#include "srtp_context.h"

#include <cstring>
#include <utility>

#include "key_derivation.h"
#include "rtcp.h"

namespace media {

namespace {

/// RFC 3711 3.3.1 and appendix A: the index whose low half is `sequence` and that lies nearest to the highest seen.
/// False when that would be before the first packet of the key.
bool estimate_index(const ReplayWindow& window, uint16_t sequence, uint64_t* index) {
  const uint64_t highest = window.empty() ? sequence : window.highest();
  const auto last = static_cast<uint16_t>(highest);
  uint64_t roc = highest >> 16;
  if (last < 0x8000) {
    if (sequence - last > 0x8000) {
      if (roc == 0) return false;
      roc--;
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

void derive(std::span<const uint8_t> master, size_t key_length, uint8_t label, std::span<uint8_t> out) {
  derive_key(master.first(key_length), master.data() + key_length, static_cast<KeyLabel>(label), out);
}

std::array<uint8_t, kMaxKeyLength> derive_cipher_key(const CryptoSuite& suite, std::span<const uint8_t> master,
                                                     uint8_t label) {
  std::array<uint8_t, kMaxKeyLength> key{};
  derive(master, suite.key_length, label, std::span(key).first(suite.key_length));
  return key;
}

std::array<uint8_t, kAuthKeyLength> derive_auth_key(const CryptoSuite& suite, std::span<const uint8_t> master,
                                                    uint8_t label) {
  std::array<uint8_t, kAuthKeyLength> key{};
  derive(master, suite.key_length, label, key);
  return key;
}

}  // namespace

SrtpContext::SessionKeys::SessionKeys(const CryptoSuite& suite, std::span<const uint8_t> master, uint8_t first_label)
    : cipher_key(derive_cipher_key(suite, master, first_label)),
      auth_key(derive_auth_key(suite, master, first_label + 1)),
      cipher(std::span(cipher_key).first(suite.key_length)),
      auth(auth_key) {
  derive(master, suite.key_length, first_label + 2, salt);
  wipe(cipher_key.data(), cipher_key.size());
  wipe(auth_key.data(), auth_key.size());
}

SrtpContext::SessionKeys::~SessionKeys() { wipe(salt, sizeof salt); }

/// RFC 3711 4.1.1: IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16).
void SrtpContext::SessionKeys::counter_block(uint32_t ssrc, uint64_t index, uint8_t iv[16]) const {
  std::memcpy(iv, salt, kSaltLength);
  iv[14] = iv[15] = 0;
  for (int i = 0; i < 4; i++) iv[4 + i] ^= static_cast<uint8_t>(ssrc >> (24 - 8 * i));
  for (int i = 0; i < 6; i++) iv[8 + i] ^= static_cast<uint8_t>(index >> (40 - 8 * i));
}

SrtpContext::SrtpContext(const CryptoSuite& suite, std::span<const uint8_t> master)
    : suite_(suite),
      rtp_(suite, master, static_cast<uint8_t>(KeyLabel::kRtpCipher)),
      rtcp_(suite, master, static_cast<uint8_t>(KeyLabel::kRtcpCipher)) {
  std::memcpy(master_.data(), master.data(), suite.key_length + kSaltLength);
  sources_.reserve(4);
}

SrtpContext::~SrtpContext() { wipe(master_.data(), master_.size()); }

bool SrtpContext::same_key(const SrtpContext& other) const {
  return &suite_ == &other.suite_ && equal_in_constant_time(master_.data(), other.master_.data(), master_.size());
}

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
  uint8_t iv[16];
  rtp_.counter_block(header.ssrc, index, iv);
  rtp_.cipher.apply(iv, data + header.size, *length - header.size);
  uint8_t roc[4];
  write32(roc, static_cast<uint32_t>(index >> 16));
  uint8_t tag[20];
  rtp_.auth.tag(data, *length, roc, sizeof roc, tag);
  std::memcpy(data + *length, tag, suite_.tag_length);
  *length += suite_.tag_length;
  return SrtpResult::kOk;
}

SrtpResult SrtpContext::unprotect_rtp(uint8_t* data, size_t* length) {
  RtpHeader header;
  if (*length < 12 + suite_.tag_length) return SrtpResult::kShort;
  const size_t size = *length - suite_.tag_length;
  if (!RtpHeader::parse(data, size, &header)) return SrtpResult::kShort;
  Source* source = find(header.ssrc);
  uint64_t index = header.sequence;
  if (source && !estimate_index(source->rtp, header.sequence, &index)) return SrtpResult::kReplay;
  // RFC 3711 3.3 step 5: the replay check comes before the tag, which costs more; the window moves after it.
  if (index > kMaxIndex) return SrtpResult::kExhausted;
  if (source && source->rtp.check(index) != ReplayWindow::Verdict::kNew) return SrtpResult::kReplay;
  uint8_t roc[4];
  write32(roc, static_cast<uint32_t>(index >> 16));
  uint8_t tag[20];
  rtp_.auth.tag(data, size, roc, sizeof roc, tag);
  if (!equal_in_constant_time(tag, data + size, suite_.tag_length)) return SrtpResult::kAuth;
  if (!source && !(source = find_or_add(header.ssrc))) return SrtpResult::kSsrcLimit;
  source->rtp.add(index);
  uint8_t iv[16];
  rtp_.counter_block(header.ssrc, index, iv);
  rtp_.cipher.apply(iv, data + header.size, size - header.size);
  *length = size;
  return SrtpResult::kOk;
}

SrtpResult SrtpContext::protect_rtcp(uint8_t* data, size_t* length) {
  RtcpHeader header;
  if (!RtcpHeader::parse(data, *length, &header)) return SrtpResult::kShort;
  Source* source = find_or_add(header.ssrc);
  if (!source) return SrtpResult::kSsrcLimit;
  // RFC 3711 9.2: at most 2^31 SRTCP packets under one key.
  if (source->next_rtcp > kMaxRtcpIndex) return SrtpResult::kExhausted;
  const uint32_t index = source->next_rtcp++;
  uint8_t iv[16];
  rtcp_.counter_block(header.ssrc, index, iv);
  rtcp_.cipher.apply(iv, data + 8, *length - 8);
  write32(data + *length, kEncrypted | index);
  uint8_t tag[20];
  rtcp_.auth.tag(data, *length + 4, nullptr, 0, tag);
  std::memcpy(data + *length + 4, tag, suite_.rtcp_tag_length);
  *length += 4 + suite_.rtcp_tag_length;
  return SrtpResult::kOk;
}

SrtpResult SrtpContext::unprotect_rtcp(uint8_t* data, size_t* length) {
  RtcpHeader header;
  if (*length < 8 + 4 + suite_.rtcp_tag_length) return SrtpResult::kShort;
  const size_t tagged = *length - suite_.rtcp_tag_length;
  const size_t size = tagged - 4;
  if (!RtcpHeader::parse(data, size, &header)) return SrtpResult::kShort;
  const uint32_t word = read32(data + size);
  const uint32_t index = word & kMaxRtcpIndex;
  Source* source = find(header.ssrc);
  if (source && source->rtcp.check(index) != ReplayWindow::Verdict::kNew) return SrtpResult::kReplay;
  uint8_t tag[20];
  rtcp_.auth.tag(data, tagged, nullptr, 0, tag);
  if (!equal_in_constant_time(tag, data + tagged, suite_.rtcp_tag_length)) return SrtpResult::kAuth;
  if (!source && !(source = find_or_add(header.ssrc))) return SrtpResult::kSsrcLimit;
  source->rtcp.add(index);
  // RFC 3711 3.4: the E bit says whether the packet is encrypted; authenticated it is in either case.
  if (word & kEncrypted) {
    uint8_t iv[16];
    rtcp_.counter_block(header.ssrc, index, iv);
    rtcp_.cipher.apply(iv, data + 8, size - 8);
  }
  *length = size;
  return SrtpResult::kOk;
}

}  // namespace media
