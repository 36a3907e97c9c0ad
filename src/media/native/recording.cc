// Owns what all recordings share: a bounded file, written in large pieces.
#include "recording.h"

#include <unistd.h>

#include <cerrno>

namespace media {

Recording::~Recording() { close(fd_); }

void Recording::append(const void* data, size_t length) {
  if (failed()) return;
  if (size() + length > limit_) {
    failed_ = true;
    return;
  }
  const auto* bytes = static_cast<const uint8_t*>(data);
  buffer_.insert(buffer_.end(), bytes, bytes + length);
  if (buffer_.size() >= kBuffer) write_out();
}

void Recording::write_out() {
  size_t at = 0;
  while (at < buffer_.size()) {
    const ssize_t count = write(fd_, buffer_.data() + at, buffer_.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      failed_ = true;
      break;
    }
    at += static_cast<size_t>(count);
  }
  written_ += at;
  buffer_.clear();
}

void Recording::overwrite(const void* data, size_t length) {
  if (pwrite(fd_, data, length, 0) < 0) failed_ = true;
}

}  // namespace media
