// Owns the counters of a stream: written by its loop alone, read from JavaScript's thread at any time.
#pragma once

#include <atomic>
#include <cstdint>

namespace media {

/// A number with one writer: no locked instruction, no torn read.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

/// Asks the cache for the lines from `at` on.
inline void fetch(const void* at, int lines) {
  for (int i = 0; i < lines; i++) __builtin_prefetch(static_cast<const char*>(at) + 64 * i, 1);
}

/// Those that every packet writes come first, in one cache line.
struct StreamCounters {
  Counter rtp_packets_in, rtp_bytes_in, rtp_packets_out, rtp_bytes_out, jitter;
  Counter lost, duplicates, ssrc, ssrc_changes;
  Counter rtcp_packets_in, rtcp_bytes_in, rtcp_packets_out, rtcp_bytes_out;
  Counter srtp_auth, srtp_replay, srtp_short, srtp_mki, srtp_ssrc_limit, srtp_unsent;
  Counter unknown_source, malformed, discarded, rate_limited, send_errors, relearned;
  Counter blocked, silenced, dtmf_packets, dtmf_events, dtmf_blocked;
  Counter stun_in, stun_refused, dtls_in, dtls_wrong_fingerprint, dtls_failures;
};

/// The names under which JavaScript sees them; the only list of them on this side.
struct CounterName {
  const char* name;
  Counter StreamCounters::* counter;
};

inline constexpr CounterName kCounterNames[] = {
    {"rtpPacketsIn", &StreamCounters::rtp_packets_in},
    {"rtpBytesIn", &StreamCounters::rtp_bytes_in},
    {"rtpPacketsOut", &StreamCounters::rtp_packets_out},
    {"rtpBytesOut", &StreamCounters::rtp_bytes_out},
    {"rtcpPacketsIn", &StreamCounters::rtcp_packets_in},
    {"rtcpBytesIn", &StreamCounters::rtcp_bytes_in},
    {"rtcpPacketsOut", &StreamCounters::rtcp_packets_out},
    {"rtcpBytesOut", &StreamCounters::rtcp_bytes_out},
    {"lost", &StreamCounters::lost},
    {"jitter", &StreamCounters::jitter},
    {"duplicates", &StreamCounters::duplicates},
    {"ssrc", &StreamCounters::ssrc},
    {"ssrcChanges", &StreamCounters::ssrc_changes},
    {"srtpAuthFailures", &StreamCounters::srtp_auth},
    {"srtpReplays", &StreamCounters::srtp_replay},
    {"srtpShort", &StreamCounters::srtp_short},
    {"srtpWrongMki", &StreamCounters::srtp_mki},
    {"srtpSsrcLimit", &StreamCounters::srtp_ssrc_limit},
    {"srtpUnsent", &StreamCounters::srtp_unsent},
    {"unknownSource", &StreamCounters::unknown_source},
    {"malformed", &StreamCounters::malformed},
    {"discarded", &StreamCounters::discarded},
    {"rateLimited", &StreamCounters::rate_limited},
    {"sendErrors", &StreamCounters::send_errors},
    {"relearned", &StreamCounters::relearned},
    {"blocked", &StreamCounters::blocked},
    {"silenced", &StreamCounters::silenced},
    {"dtmfPackets", &StreamCounters::dtmf_packets},
    {"dtmfEvents", &StreamCounters::dtmf_events},
    {"dtmfBlocked", &StreamCounters::dtmf_blocked},
    {"stunPacketsIn", &StreamCounters::stun_in},
    {"stunRefused", &StreamCounters::stun_refused},
    {"dtlsPacketsIn", &StreamCounters::dtls_in},
    {"dtlsWrongFingerprints", &StreamCounters::dtls_wrong_fingerprint},
    {"dtlsFailures", &StreamCounters::dtls_failures},
};

}  // namespace media
