// Owns the silence of each payload type that has one.
#include "media_policy.h"

#include <cstring>

namespace media {

namespace {
// RFC 3551 6: static payload types; G.711: the code words of amplitude zero.
constexpr uint8_t kPcmu = 0, kPcma = 8;
constexpr uint8_t kSilentPcmu = 0xff, kSilentPcma = 0xd5;
constexpr uint8_t kPadding = 0x20;
}  // namespace

MediaPolicy::Verdict MediaPolicy::apply_other(bool telephone_event, size_t payload, uint8_t* data, size_t length) const {
  if (telephone_event && block_dtmf) return Verdict::kBlockDtmf;
  if (media == Media::kBlock) return Verdict::kBlock;
  if (telephone_event) return Verdict::kPass;
  const uint8_t type = data[1] & 0x7f;
  // Of a codec whose silence is not known nothing may pass.
  if (type != kPcmu && type != kPcma) return Verdict::kBlock;
  data[0] &= static_cast<uint8_t>(~kPadding);
  std::memset(data + payload, type == kPcmu ? kSilentPcmu : kSilentPcma, length - payload);
  return Verdict::kSilenced;
}

}  // namespace media
