// Owns the kinds of records that C++ writes or reads. The TypeScript side, which has all kinds and tells what each holds, is
// ../front-rings.ts.
#pragma once
#include <cstdint>

namespace sip_sockets {

constexpr int32_t kDatagram = 1;
constexpr int32_t kMessage = 2;
constexpr int32_t kSend = 5;
constexpr int32_t kReply = 6;

}  // namespace sip_sockets
