// Owns the recognition of messages that need no framer: whole and of the plainest form. Whatever else comes is for
// ../../sip/framer.ts, which cuts every message accepted here at the same place.
#pragma once
#include <strings.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sip_sockets {

// Bytes of a whole message, and of its body.
struct MessageLimits {
  size_t message;
  size_t body;
};

constexpr size_t kLengthDigits = 7;

inline bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

inline bool is_space(char c) {
  return c == ' ' || c == '\t';
}

// Bytes of the name when `line` may be a Content-Length header in the eyes of any reader, 0 when it cannot.
inline size_t length_name(std::string_view line) {
  constexpr std::string_view kName = "Content-Length";
  if (line.size() >= kName.size() && strncasecmp(line.data(), kName.data(), kName.size()) == 0) return kName.size();
  if (((line[0] | 32) & 127) != 'l') return 0;
  bool longer = line.size() > 1 && (is_letter(line[1]) || line[1] == '-');
  return longer ? 0 : 1;
}

// The value of a Content-Length line whose name has `name` bytes; -1 unless it is one short number between blanks.
inline int64_t length_value(std::string_view line, size_t name) {
  if (!is_letter(line[0])) return -1;
  size_t at = name;
  while (at < line.size() && is_space(line[at])) at++;
  if (at == line.size() || line[at] != ':') return -1;
  at++;
  while (at < line.size() && is_space(line[at])) at++;
  size_t begin = at;
  int64_t value = 0;
  while (at < line.size() && line[at] >= '0' && line[at] <= '9' && at - begin <= kLengthDigits) {
    value = value * 10 + (line[at++] - '0');
  }
  if (at == begin || at - begin > kLengthDigits) return -1;
  while (at < line.size() && is_space(line[at])) at++;
  return at == line.size() ? value : -1;
}

// Bytes of the plain message that `bytes` begins with; 0 when it begins with anything else.
inline size_t plain_message(std::string_view bytes, const MessageLimits& limits) {
  if (bytes.empty() || !is_letter(bytes[0])) return 0;
  int64_t body = -1;
  for (size_t at = 0;;) {
    const void* found = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
    if (!found) return 0;
    auto end = static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
    if (end == at || bytes[end - 1] != '\r') return 0;
    std::string_view line = bytes.substr(at, end - 1 - at);
    bool start = at == 0;
    at = end + 1;
    if (line.empty()) {
      if (body < 0 || static_cast<size_t>(body) > limits.body) return 0;
      size_t whole = at + static_cast<size_t>(body);
      return whole <= limits.message && whole <= bytes.size() ? whole : 0;
    }
    if (start) {
      // What asks for a WebSocket, and pages of a browser.
      if (line.find("HTTP/") != std::string_view::npos) return 0;
      continue;
    }
    // RFC 3261 7.3.1: the line goes on; which header's it is, is the framer's to say.
    if (is_space(line[0])) return 0;
    size_t name = length_name(line);
    if (name == 0) continue;
    if (body >= 0) return 0;
    body = length_value(line, name);
    if (body < 0) return 0;
  }
}

}  // namespace sip_sockets
