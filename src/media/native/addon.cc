// Owns the registration with Node: turns JavaScript values, checked by native-relay.ts, into calls of the relay.
#include <node_api.h>

#include <string>
#include <vector>

#include "addon_audio.h"
#include "addon_connection.h"
#include "addon_numbers.h"
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

// configure(handle, id, settings, numbers) -> whether the stream exists
napi_value configure(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Properties given(env, arguments.value(2));
  auto settings = std::make_unique<StreamSettings>();
  const std::string address = given.text("address");
  // An address of "" stays unknown.
  Endpoint::parse(address.c_str(), 0, &settings->remote_rtp);
  Endpoint::parse(address.c_str(), 0, &settings->remote_rtcp);
  if (!media::read_settings(arguments.numbers(3), settings.get())) return boolean(env, false);
  for (const uint8_t type : given.bytes("dtmfPayloadTypes")) settings->policy.telephone_events.set(type & 0x7f);
  settings->srtp_in = srtp(Properties(env, given.get("srtpIn")));
  settings->srtp_in_further = srtp_list(env, given.get("srtpInFurther"));
  settings->srtp_out = srtp(Properties(env, given.get("srtpOut")));
  settings->connection = media::read_connection(env, arguments.value(2));
  settings->conversion = media::read_conversion(env, arguments.value(2));
  return boolean(env, arguments.handle().relay->configure(arguments.id(1), std::move(settings)));
}

// hold(handle, whether what is asked from now on waits for the end of it)
napi_value hold(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.handle().relay->hold(arguments.integer(1) != 0);
  return nullptr;
}

// close(handle, id) -> whether the stream existed
napi_value close(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return boolean(env, arguments.handle().relay->close(arguments.id(1)));
}

// stats(handle, id, numbers) -> the learned addresses, or null when there is no such stream; `numbers` are filled
napi_value stats(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  napi_value result;
  const media::PacketStream* stream = arguments.handle().relay->find(arguments.id(1));
  if (!stream) {
    napi_get_null(env, &result);
    return result;
  }
  media::NumberWriter numbers(arguments.numbers(2));
  media::write_statistics(*stream, media::now_milliseconds(), &numbers);
  const media::LearnedAddresses learned = stream->learned();
  const std::string text = learned.rtp.text() + ' ' + learned.rtcp.text();
  napi_create_string_latin1(env, text.data(), text.size(), &result);
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
      {"numberNames", nullptr, media::number_names, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"create", nullptr, create, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"open", nullptr, open, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"link", nullptr, link, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"configure", nullptr, configure, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"hold", nullptr, hold, nullptr, nullptr, nullptr, napi_default, nullptr},
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
