// Owns the order in which numbers cross between JavaScript and the addon.
#include "addon_numbers.h"

#include <array>

#include "addon_values.h"

namespace media {
namespace {

struct Setting {
  const char* name;
  void (*apply)(StreamSettings& settings, double value);
};

/// What has no address has no port either.
void set_port(Endpoint& endpoint, double port) {
  if (endpoint.known()) endpoint.set_port(static_cast<uint16_t>(port));
}

constexpr Setting kSettings[] = {
    {"latching", [](StreamSettings& to, double value) { to.latching = static_cast<Latching>(value); }},
    {"rtpPort", [](StreamSettings& to, double value) { set_port(to.remote_rtp, value); }},
    {"rtcpPort", [](StreamSettings& to, double value) { set_port(to.remote_rtcp, value); }},
    {"rtcpMux", [](StreamSettings& to, double value) { to.rtcp_mux = value != 0; }},
    {"send", [](StreamSettings& to, double value) { to.send = value != 0; }},
    {"receive", [](StreamSettings& to, double value) { to.receive = value != 0; }},
    {"ownReports", [](StreamSettings& to, double value) { to.own_reports = value != 0; }},
    {"passStun", [](StreamSettings& to, double value) { to.pass_stun = value != 0; }},
    {"passthrough", [](StreamSettings& to, double value) { to.passthrough = value != 0; }},
    {"media", [](StreamSettings& to, double value) { to.policy.media = static_cast<MediaPolicy::Media>(value); }},
    {"blockDtmf", [](StreamSettings& to, double value) { to.policy.block_dtmf = value != 0; }},
    {"timeoutMillis", [](StreamSettings& to, double value) { to.timeout = static_cast<int64_t>(value); }},
    {"silentTimeoutMillis", [](StreamSettings& to, double value) { to.silent_timeout = static_cast<int64_t>(value); }},
    {"clockRate", [](StreamSettings& to, double value) { to.clock_rate = static_cast<uint32_t>(value); }},
    {"learningMillis", [](StreamSettings& to, double value) { to.learning = static_cast<int64_t>(value); }},
    {"packetRate", [](StreamSettings& to, double value) { to.packet_rate = static_cast<uint32_t>(value); }},
};

/// Beside the counters, in the order in which they are written.
constexpr const char* kFurther[] = {"roundTrips",          "roundTripMillis",     "roundTripMinMillis", "roundTripMaxMillis",
                                    "roundTripMeanMillis", "lastPacketAgeMillis"};
constexpr const char* kSource[] = {"ssrc", "packets", "bytes", "lost", "jitter", "duplicates"};
constexpr const char* kReport[] = {"ssrc", "fractionLost", "lost", "jitter", "roundTripMillis"};

/// Microseconds as milliseconds; -1 stays -1.
double milliseconds(int64_t microseconds) { return microseconds < 0 ? -1 : static_cast<double>(microseconds) / 1000; }

template <typename Rows, typename Name>
napi_value names(napi_env env, const Rows& rows, Name name) {
  napi_value result;
  napi_create_array(env, &result);
  uint32_t at = 0;
  for (const auto& row : rows) {
    napi_value text;
    napi_create_string_latin1(env, name(row), NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, result, at++, text);
  }
  return result;
}

}  // namespace

bool read_settings(std::span<const double> numbers, StreamSettings* settings) {
  if (numbers.size() < std::size(kSettings)) return false;
  for (size_t i = 0; i < std::size(kSettings); i++) kSettings[i].apply(*settings, numbers[i]);
  return true;
}

void write_statistics(const PacketStream& stream, int64_t now, NumberWriter* out) {
  for (const auto& [name, counter] : kCounterNames) out->put(static_cast<double>((stream.counters().*counter).get()));
  const RoundTrips trips = stream.reports().round_trips();
  out->put(static_cast<double>(trips.count));
  out->put(milliseconds(trips.last));
  out->put(milliseconds(trips.least));
  out->put(milliseconds(trips.most));
  out->put(milliseconds(trips.count == 0 ? -1 : trips.sum / static_cast<int64_t>(trips.count)));
  const uint64_t last = stream.last_packet();
  out->put(last == 0 ? -1 : static_cast<double>(now - static_cast<int64_t>(last)));

  Reception::Sources sources;
  Reports::Blocks reports;
  const size_t source_count = stream.reception().sources(&sources), report_count = stream.reports().blocks(&reports);
  out->put(static_cast<double>(source_count));
  out->put(static_cast<double>(report_count));
  for (const SourceStats& source : std::span(sources).first(source_count)) {
    out->put(source.ssrc);
    out->put(static_cast<double>(source.packets));
    out->put(static_cast<double>(source.bytes));
    out->put(static_cast<double>(source.lost));
    out->put(static_cast<double>(source.jitter));
    out->put(static_cast<double>(source.duplicates));
  }
  for (const ReportStats& report : std::span(reports).first(report_count)) {
    out->put(report.ssrc);
    out->put(report.fraction_lost / 256.0);
    out->put(report.lost);
    out->put(report.jitter);
    out->put(milliseconds(report.round_trip));
  }
}

napi_value number_names(napi_env env, napi_callback_info) {
  const auto own = [](const char* name) { return name; };
  napi_value statistics = names(env, kCounterNames, [](const CounterName& each) { return each.name; });
  uint32_t at = std::size(kCounterNames);
  for (const char* name : kFurther) {
    napi_value text;
    napi_create_string_latin1(env, name, NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, statistics, at++, text);
  }
  napi_value result;
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "settings", names(env, kSettings, [](const Setting& each) { return each.name; }));
  napi_set_named_property(env, result, "statistics", statistics);
  napi_set_named_property(env, result, "sources", names(env, kSource, own));
  napi_set_named_property(env, result, "reports", names(env, kReport, own));
  napi_set_named_property(env, result, "mostSources", number(env, std::tuple_size_v<Reception::Sources>));
  napi_set_named_property(env, result, "mostReports", number(env, std::tuple_size_v<Reports::Blocks>));
  return result;
}

}  // namespace media
