// Owns the sliding window of packet indices already seen (RFC 3711 3.3.2).
#pragma once

#include <cstdint>

namespace media {

/// 128 packets wide: twice what RFC 3711 asks for, so that a burst reordered by a phone is not taken for a replay.
class ReplayWindow {
 public:
  static constexpr uint64_t kWidth = 128;

  enum class Verdict { kNew, kSeen, kOld };

  bool empty() const { return !any_; }
  uint64_t highest() const { return highest_; }

  Verdict check(uint64_t index) const {
    if (!any_ || index > highest_) return Verdict::kNew;
    const uint64_t behind = highest_ - index;
    if (behind >= kWidth) return Verdict::kOld;
    return seen_ >> behind & 1 ? Verdict::kSeen : Verdict::kNew;
  }

  /// Only for an index that check() called new.
  void add(uint64_t index) {
    if (!any_) {
      any_ = true;
      highest_ = index;
      seen_ = 1;
    } else if (index > highest_) {
      const uint64_t ahead = index - highest_;
      seen_ = ahead >= kWidth ? 1 : seen_ << ahead | 1;
      highest_ = index;
    } else {
      seen_ |= Bits{1} << (highest_ - index);
    }
  }

 private:
  using Bits = unsigned __int128;
  Bits seen_ = 0;
  uint64_t highest_ = 0;
  bool any_ = false;
};

}  // namespace media
