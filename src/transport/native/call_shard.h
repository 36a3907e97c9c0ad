// Owns the choice of a shard for a message: a hash of its Call-ID. The TypeScript side of the same rule is ../call-shard.ts.
#pragma once
#include <strings.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace sip_sockets {

inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The value when `line` is a Call-ID header, null data otherwise.
inline std::string_view call_id_value(std::string_view line) {
  size_t name = 0;
  if (line.size() > 1 && (line[0] == 'i' || line[0] == 'I') && (line[1] == ':' || line[1] == ' ' || line[1] == '\t')) {
    name = 1;
  } else if (line.size() > 7 && strncasecmp(line.data(), "Call-ID", 7) == 0) {
    name = 7;
  } else {
    return {};
  }
  while (name < line.size() && (line[name] == ' ' || line[name] == '\t')) name++;
  if (name == line.size() || line[name] != ':') return {};
  return line.substr(name + 1);
}

// The Call-ID of a message, without blanks around it; empty when there is none.
inline std::string_view find_call_id(std::string_view message) {
  size_t at = 0;
  while (at < message.size() && (message[at] == '\r' || message[at] == '\n')) at++;
  while (at < message.size()) {
    const void* found = std::memchr(message.data() + at, '\n', message.size() - at);
    if (!found) return {};
    size_t next = static_cast<size_t>(static_cast<const char*>(found) - message.data()) + 1;
    size_t end = next;
    std::string_view line = message.substr(at, end - at);
    if (line == "\n" || line == "\r\n") return {};
    if (call_id_value(line).data()) {
      // RFC 3261 7.3.1: a value may go on after a line break that a blank follows.
      while (end < message.size() && (message[end] == ' ' || message[end] == '\t')) {
        const void* more = std::memchr(message.data() + end, '\n', message.size() - end);
        end = more ? static_cast<size_t>(static_cast<const char*>(more) - message.data()) + 1 : message.size();
      }
      std::string_view value = call_id_value(message.substr(at, end - at));
      while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
      while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
      return value;
    }
    at = next;
  }
  return {};
}

// FNV-1a with a last mix, so that names that differ in one digit spread over few shards.
inline uint32_t call_id_hash(std::string_view id) {
  uint32_t hash = 2166136261u;
  for (char c : id) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  hash ^= hash >> 15;
  hash *= 2246822519u;
  hash ^= hash >> 13;
  return hash;
}

}  // namespace sip_sockets
