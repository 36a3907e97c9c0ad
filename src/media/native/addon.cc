// Owns the registration with Node: turns JavaScript values, checked by native-relay.ts, into calls of the relay.
#include <node_api.h>

#include <string>
#include <vector>

#include "addon_audio.h"
#include "addon_connection.h"
#include "addon_values.h"

namespace {

using media::Arguments;
using media::boolean;
using media::Endpoint;
using media::Handle;
using media::number;
using media::Properties;
using media::Relay;
using media::StreamSettings;

/// An address of "" stays unknown.
Endpoint endpoint(const Properties& given, const char* address, const char* port) {
  Endpoint result;
  Endpoint::parse(given.text(address).c_str(), static_cast<uint16_t>(given.integer(port)), &result);
  return result;
}

/// { suite, key, mki }; no context for a suite of "".
std::unique_ptr<media::SrtpContext> srtp(const Properties& given) {
  const std::string suite = given.text("suite");
  for (const media::CryptoSuite& each : media::kCryptoSuites) {
    if (each.name != suite) continue;
    const auto master = given.bytes("key");
    if (master.size() != each.master_length()) return nullptr;
    return std::make_unique<media::SrtpContext>(each, master, given.bytes("mki"));
  }
  return nullptr;
}

std::vector<std::unique_ptr<media::SrtpContext>> srtp_list(napi_env env, napi_value list) {
  std::vector<std::unique_ptr<media::SrtpContext>> result;
  uint32_t length = 0;
  napi_get_array_length(env, list, &length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element = nullptr;
    napi_get_element(env, list, i, &element);
    if (auto context = srtp(Properties(env, element))) result.push_back(std::move(context));
  }
  return result;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

void set(napi_env env, napi_value object, const char* name, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  set(env, object, name, value);
}

void stop_at_exit(void* handle) { static_cast<Handle*>(handle)->stop(); }

/// A report crosses threads as one number: the stream, and what happened to it.
void call_report(napi_env env, napi_value callback, void*, void* data) {
  if (!env) return;
  const auto packed = reinterpret_cast<uintptr_t>(data);
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  napi_value arguments[] = {number(env, static_cast<double>(packed >> 4)), number(env, static_cast<double>(packed & 15))};
  napi_call_function(env, undefined, callback, 2, arguments, nullptr);
}

// create(threads, onEvent(stream, StreamEvent), whether streams share sockets, streams a thread) -> handle
napi_value create(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  auto* handle = new Handle;
  napi_value name;
  napi_create_string_utf8(env, "media-relay", NAPI_AUTO_LENGTH, &name);
  // A stream reports once for each time it falls silent and for each outcome of a configuration, so the queue needs no limit.
  napi_create_threadsafe_function(env, arguments.value(1), nullptr, name, 0, 1, nullptr, nullptr, nullptr, call_report, &handle->report);
  napi_unref_threadsafe_function(env, handle->report);
  const auto report = handle->report;
  const auto sockets = arguments.integer(2) ? Relay::Sockets::kShared : Relay::Sockets::kOwn;
  const auto threads = static_cast<size_t>(arguments.integer(0)), streams_per_thread = static_cast<size_t>(arguments.integer(3));
  handle->relay = std::make_unique<Relay>(threads, streams_per_thread, sockets, [report](uint32_t stream, media::StreamEvent event) {
    const uintptr_t packed = static_cast<uintptr_t>(stream) << 4 | static_cast<uintptr_t>(event);
    napi_call_threadsafe_function(report, reinterpret_cast<void*>(packed), napi_tsfn_nonblocking);
  });
  napi_add_env_cleanup_hook(env, stop_at_exit, handle);
  napi_value result;
  napi_create_external(
      env, handle,
      [](napi_env finalizing, void* data, void*) {
        auto* dying = static_cast<Handle*>(data);
        napi_remove_env_cleanup_hook(finalizing, stop_at_exit, dying);
        dying->stop();
        delete dying;
      },
      nullptr, &result);
  return result;
}

// open(handle, address, portMin, portMax, tos) -> { id, rtpPort } | { failure, errno }
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value result;
  napi_create_object(env, &result);
  Endpoint address;
  Relay::Opened opened{};
  int error = 0;
  auto outcome = media::PortResult::kAddress;
  if (Endpoint::parse(arguments.text(1).c_str(), 0, &address))
    outcome = arguments.handle().relay->open(address, static_cast<uint16_t>(arguments.integer(2)), static_cast<uint16_t>(arguments.integer(3)),
                                              static_cast<int>(arguments.integer(4)), &opened, &error);
  switch (outcome) {
    case media::PortResult::kOk:
      set(env, result, "id", number(env, opened.id));
      set(env, result, "rtpPort", number(env, opened.rtp_port));
      return result;
    case media::PortResult::kExhausted:
      set(env, result, "failure", std::string("exhausted"));
      break;
    case media::PortResult::kAddress:
      set(env, result, "failure", std::string("address"));
      break;
    case media::PortResult::kSystem:
      set(env, result, "failure", std::string("system"));
      break;
  }
  set(env, result, "errno", number(env, error));
  return result;
}

// link(handle, a, b) -> whether both exist
napi_value link(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return boolean(env, arguments.handle().relay->link(arguments.id(1), arguments.id(2)));
}

// configure(handle, id, settings) -> whether the stream exists
napi_value configure(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Properties given(env, arguments.value(2));
  auto settings = std::make_unique<StreamSettings>();
  settings->latching = static_cast<media::Latching>(given.integer("latching"));
  settings->remote_rtp = endpoint(given, "address", "rtpPort");
  settings->remote_rtcp = endpoint(given, "address", "rtcpPort");
  settings->rtcp_mux = given.boolean("rtcpMux");
  settings->send = given.boolean("send");
  settings->receive = given.boolean("receive");
  settings->own_reports = given.boolean("ownReports");
  settings->pass_stun = given.boolean("passStun");
  settings->passthrough = given.boolean("passthrough");
  settings->policy.media = static_cast<media::MediaPolicy::Media>(given.integer("media"));
  settings->policy.block_dtmf = given.boolean("blockDtmf");
  for (const uint8_t type : given.bytes("dtmfPayloadTypes")) settings->policy.telephone_events.set(type & 0x7f);
  settings->srtp_in = srtp(Properties(env, given.get("srtpIn")));
  settings->srtp_in_further = srtp_list(env, given.get("srtpInFurther"));
  settings->srtp_out = srtp(Properties(env, given.get("srtpOut")));
  settings->timeout = given.integer("timeoutMillis");
  settings->silent_timeout = given.integer("silentTimeoutMillis");
  settings->clock_rate = static_cast<uint32_t>(given.integer("clockRate"));
  settings->learning = given.integer("learningMillis");
  settings->packet_rate = static_cast<uint32_t>(given.integer("packetRate"));
  settings->connection = media::read_connection(env, arguments.value(2));
  settings->conversion = media::read_conversion(env, arguments.value(2));
  return boolean(env, arguments.handle().relay->configure(arguments.id(1), std::move(settings)));
}

// close(handle, id) -> whether the stream existed
napi_value close(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return boolean(env, arguments.handle().relay->close(arguments.id(1)));
}

template <typename Rows, typename Fill>
napi_value table(napi_env env, const Rows& rows, size_t count, Fill fill) {
  napi_value result;
  napi_create_array_with_length(env, count, &result);
  for (size_t i = 0; i < count; i++) {
    napi_value row;
    napi_create_object(env, &row);
    fill(row, rows[i]);
    napi_set_element(env, result, static_cast<uint32_t>(i), row);
  }
  return result;
}

/// Microseconds as milliseconds; -1 stays -1.
napi_value milliseconds(napi_env env, int64_t microseconds) {
  return number(env, microseconds < 0 ? -1 : static_cast<double>(microseconds) / 1000);
}

napi_value sources(napi_env env, const media::PacketStream& stream) {
  media::Reception::Sources rows;
  const size_t count = stream.reception().sources(&rows);
  return table(env, rows, count, [env](napi_value row, const media::SourceStats& source) {
    set(env, row, "ssrc", number(env, source.ssrc));
    set(env, row, "packets", number(env, static_cast<double>(source.packets)));
    set(env, row, "bytes", number(env, static_cast<double>(source.bytes)));
    set(env, row, "lost", number(env, static_cast<double>(source.lost)));
    set(env, row, "jitter", number(env, static_cast<double>(source.jitter)));
    set(env, row, "duplicates", number(env, static_cast<double>(source.duplicates)));
  });
}

napi_value reports(napi_env env, const media::PacketStream& stream) {
  media::Reports::Blocks rows;
  const size_t count = stream.reports().blocks(&rows);
  return table(env, rows, count, [env](napi_value row, const media::ReportStats& report) {
    set(env, row, "ssrc", number(env, report.ssrc));
    set(env, row, "fractionLost", number(env, report.fraction_lost / 256.0));
    set(env, row, "lost", number(env, report.lost));
    set(env, row, "jitter", number(env, report.jitter));
    set(env, row, "roundTripMillis", milliseconds(env, report.round_trip));
  });
}

// stats(handle, id) -> object, or null when there is no such stream
napi_value stats(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value result;
  const media::PacketStream* stream = arguments.handle().relay->find(arguments.id(1));
  if (!stream) {
    napi_get_null(env, &result);
    return result;
  }
  napi_create_object(env, &result);
  for (const auto& [name, counter] : media::kCounterNames)
    set(env, result, name, number(env, static_cast<double>((stream->counters().*counter).get())));
  set(env, result, "sources", sources(env, *stream));
  set(env, result, "reports", reports(env, *stream));
  const media::RoundTrips trips = stream->reports().round_trips();
  set(env, result, "roundTrips", number(env, static_cast<double>(trips.count)));
  set(env, result, "roundTripMillis", milliseconds(env, trips.last));
  set(env, result, "roundTripMinMillis", milliseconds(env, trips.least));
  set(env, result, "roundTripMaxMillis", milliseconds(env, trips.most));
  set(env, result, "roundTripMeanMillis", milliseconds(env, trips.count == 0 ? -1 : trips.sum / static_cast<int64_t>(trips.count)));
  const media::LearnedAddresses learned = stream->learned();
  set(env, result, "learnedRtp", learned.rtp.text());
  set(env, result, "learnedRtcp", learned.rtcp.text());
  const uint64_t last = stream->last_packet();
  set(env, result, "lastPacketAgeMillis", number(env, last == 0 ? -1 : static_cast<double>(media::now_milliseconds() - static_cast<int64_t>(last))));
  return result;
}

// shares(handle, address) -> whether streams of the address share sockets
napi_value shares(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Endpoint address;
  return boolean(env, Endpoint::parse(arguments.text(1).c_str(), 0, &address) && arguments.handle().relay->shares(address));
}

napi_value shutdown(napi_env env, napi_callback_info info) {
  Arguments(env, info).handle().stop();
  return nullptr;
}

napi_value init(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"makeIdentity", nullptr, media::make_identity, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"create", nullptr, create, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"open", nullptr, open, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"link", nullptr, link, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"configure", nullptr, configure, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"close", nullptr, close, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"stats", nullptr, stats, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"shares", nullptr, shares, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"shutdown", nullptr, shutdown, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, std::size(functions), functions);
  media::define_audio(env, exports);
  return exports;
}

}  // namespace

NAPI_MODULE(media_relay, init)
