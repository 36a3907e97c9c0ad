// Owns the cutting of a fuzzer's bytes into choices and packets.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  bool more() const { return at_ < end_; }
  uint8_t byte() { return more() ? *at_++ : 0; }
  /// A length byte (four times as much when its high bit is set), then the bytes; fewer at the end.
  std::vector<uint8_t> bytes() {
    const uint8_t first = byte();
    const size_t wanted = first & 0x80 ? 4u * (first & 0x7f) : first;
    const size_t size = std::min<size_t>(wanted, static_cast<size_t>(end_ - at_));
    std::vector<uint8_t> result(at_, at_ + size);
    at_ += size;
    return result;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

/// A finding of the target's own.
inline void require(bool good) {
  if (!good) std::abort();
}

}  // namespace fuzz
