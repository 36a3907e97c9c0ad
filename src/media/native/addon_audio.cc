// Owns the turning of JavaScript values, checked by native-audio.ts, into calls of the relay.
#include "addon_audio.h"

#include <array>

#include "addon_values.h"

namespace media {

namespace {

/// A report crosses threads as one number of 64 bits: stream, duration, event, volume, and which of the two it is.
class Reporter : public StreamEvents {
 public:
  explicit Reporter(napi_threadsafe_function report) : report_(report) {}
  void dtmf(uint32_t stream, const TelephoneEvent& event) override {
    send(static_cast<uint64_t>(stream) << 32 | static_cast<uint64_t>(event.duration) << 16 | static_cast<uint64_t>(event.event & 0x3f) << 8 |
         static_cast<uint64_t>(event.volume & 0x3f) << 1 | 1);
  }
  void clip_ended(uint32_t stream) override { send(static_cast<uint64_t>(stream) << 32); }

 private:
  void send(uint64_t packed) const { napi_call_threadsafe_function(report_, reinterpret_cast<void*>(packed), napi_tsfn_nonblocking); }

  const napi_threadsafe_function report_;
};

void call_listener(napi_env env, napi_value callback, void*, void* data) {
  if (!env) return;
  const auto packed = reinterpret_cast<uint64_t>(data);
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  napi_value arguments[] = {number(env, static_cast<double>(packed >> 32)), boolean(env, packed & 1), number(env, packed >> 8 & 0x3f),
                            number(env, static_cast<double>(packed >> 16 & 0xffff)), number(env, packed >> 1 & 0x3f)};
  napi_call_function(env, undefined, callback, std::size(arguments), arguments, nullptr);
}

// listen(handle, onAudio(stream, isKey, event, duration, volume)); before any stream is configured
napi_value listen(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  napi_value name;
  napi_create_string_utf8(env, "media-audio", NAPI_AUTO_LENGTH, &name);
  // Keys are told a few times a second for each stream, and clips when they end, so the queue needs no limit.
  napi_create_threadsafe_function(env, arguments.value(1), nullptr, name, 0, 1, nullptr, nullptr, nullptr, call_listener, &handle.audio_report);
  napi_unref_threadsafe_function(env, handle.audio_report);
  handle.relay->listen(std::make_unique<Reporter>(handle.audio_report));
  return nullptr;
}

// compand(bytes, from, to) -> bytes; law 0 is linear: 16 bits, little-endian
napi_value compand(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const auto in = arguments.bytes(0);
  const auto from = static_cast<Law>(arguments.id(1));
  const auto to = static_cast<Law>(arguments.id(2));
  const size_t count = from == Law::kNone ? in.size() / 2 : in.size();
  void* data = nullptr;
  napi_value buffer, result;
  napi_create_arraybuffer(env, count, &data, &buffer);
  auto* out = static_cast<uint8_t*>(data);
  if (from == Law::kNone) {
    for (size_t i = 0; i < count; i++) out[i] = compress(to, static_cast<int16_t>(in[2 * i] | in[2 * i + 1] << 8));
  } else {
    const auto& table = translation(from, to);
    for (size_t i = 0; i < count; i++) out[i] = table[in[i]];
  }
  napi_create_typedarray(env, napi_uint8_array, count, buffer, 0, &result);
  return result;
}

// addClip(handle, bytes) -> its number
napi_value add_clip(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  const auto data = arguments.bytes(1);
  handle.clips[handle.next_number] = std::make_shared<const Clip>(data.begin(), data.end());
  return number(env, handle.next_number++);
}

// dropClip(handle, number); whoever hears it hears it to its end
napi_value drop_clip(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  arguments.handle().clips.erase(arguments.id(1));
  return nullptr;
}

// play(handle, stream, order) -> whether stream and clip exist
napi_value play(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  const Properties given(env, arguments.value(2));
  const auto clip = handle.clips.find(static_cast<uint32_t>(given.integer("clip")));
  if (clip == handle.clips.end()) return boolean(env, false);
  const ClipOrder order{clip->second, static_cast<uint8_t>(given.integer("payloadType") & 0x7f),
                        static_cast<uint16_t>(given.integer("packetSamples")), static_cast<uint32_t>(given.integer("times")),
                        static_cast<size_t>(given.integer("start"))};
  return boolean(env, handle.relay->ask(arguments.id(1), [order](PacketStream& stream, int64_t now) {
    stream.needed_services().playout().play(order, now);
  }));
}

// stop(handle, stream) -> whether the stream exists
napi_value stop(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return boolean(env, arguments.handle().relay->ask(arguments.id(1), [](PacketStream& stream, int64_t) {
    if (stream.services() && stream.services()->played()) stream.services()->played()->stop();
  }));
}

// press(handle, stream, order) -> whether the stream exists
napi_value press(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Properties given(env, arguments.value(2));
  const DigitOrder order{static_cast<uint8_t>(given.integer("event") & 15),
                         static_cast<uint8_t>(given.integer("volume") & 0x3f),
                         static_cast<uint16_t>(given.integer("durationMillis")),
                         static_cast<uint16_t>(given.integer("pauseMillis")),
                         static_cast<uint8_t>(given.integer("payloadType") & 0x7f),
                         static_cast<Law>(given.integer("law")),
                         static_cast<uint32_t>(given.integer("clockRate"))};
  return boolean(env, arguments.handle().relay->ask(arguments.id(1), [order](PacketStream& stream, int64_t now) {
    stream.needed_services().playout().press(order, now);
  }));
}

// openRecording(handle, fd, kind, limit) -> its number; the file is the relay's from then on. Kinds: pcap, pcap in Ethernet, WAV mono, WAV stereo
napi_value open_recording(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  const auto fd = static_cast<int>(arguments.id(1));
  const uint32_t kind = arguments.id(2);
  double limit = 0;
  napi_get_value_double(env, arguments.value(3), &limit);
  const auto bound = static_cast<uint64_t>(limit);
  std::shared_ptr<Recording> recording;
  if (kind < 2) {
    recording = std::make_shared<PcapRecording>(fd, bound, kind == 0 ? PcapRecording::Format::kRaw : PcapRecording::Format::kEthernet);
  } else {
    recording = std::make_shared<WavRecording>(fd, bound, kind == 2 ? WavRecording::Layout::kMono : WavRecording::Layout::kStereo);
  }
  handle.recordings[handle.next_number] = recording;
  handle.relay->recorder().add(std::move(recording));
  return number(env, handle.next_number++);
}

// record(handle, recording, stream, { track, pcmu, pcma }) -> whether both exist
napi_value record(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  const Properties given(env, arguments.value(3));
  const uint32_t stream = arguments.id(2);
  const auto found = handle.recordings.find(arguments.id(1));
  RecordingTrack track{found == handle.recordings.end() ? nullptr : found->second, nullptr, static_cast<uint8_t>(given.integer("track")), {}, {}};
  if (!track.recording || !handle.relay->local(stream, &track.local[0], &track.local[1])) return boolean(env, false);
  track.recorder = &handle.relay->recorder();
  for (const uint8_t type : given.bytes("pcmu")) track.laws[type & 0x7f] = Law::kMu;
  for (const uint8_t type : given.bytes("pcma")) track.laws[type & 0x7f] = Law::kA;
  return boolean(env, handle.relay->ask(stream, [track](PacketStream& recorded, int64_t) {
    StreamServices& services = recorded.needed_services();
    services.stop_recording(track.recording.get());
    services.record(track);
  }));
}

// pauseRecording(handle, recording, paused) -> whether it exists
napi_value pause_recording(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  const auto found = handle.recordings.find(arguments.id(1));
  if (found == handle.recordings.end()) return boolean(env, false);
  bool paused = false;
  napi_get_value_bool(env, arguments.value(2), &paused);
  found->second->pause(paused);
  return boolean(env, true);
}

// leaveRecording(handle, recording, stream)
napi_value leave_recording(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  const auto found = handle.recordings.find(arguments.id(1));
  if (found == handle.recordings.end()) return nullptr;
  handle.relay->ask(arguments.id(2), [recording = found->second](PacketStream& stream, int64_t) {
    if (stream.services()) stream.services()->stop_recording(recording.get());
  });
  return nullptr;
}

// closeRecording(handle, recording) -> whether all that was recorded could be written. Its streams have left it.
napi_value close_recording(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  const auto found = handle.recordings.find(arguments.id(1));
  if (found == handle.recordings.end()) return boolean(env, true);
  const bool whole = !found->second->failed();
  handle.recordings.erase(found);
  return boolean(env, whole);
}

// recorderDrops(handle) -> packets that no recording got because the writer did not keep up
napi_value recorder_drops(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  Handle& handle = arguments.handle();
  return number(env, handle.relay->recording() ? static_cast<double>(handle.relay->recorder().dropped()) : 0);
}

// subscribe(handle, source, sink, conversion) -> whether both exist
napi_value subscribe(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return boolean(env, arguments.handle().relay->subscribe(arguments.id(1), arguments.id(2), read_conversion(env, arguments.value(3))));
}

// unsubscribe(handle, sink) -> whether it exists
napi_value unsubscribe(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  return boolean(env, arguments.handle().relay->unsubscribe(arguments.id(1)));
}

}  // namespace

std::unique_ptr<Conversion> read_conversion(napi_env env, napi_value settings) {
  const Properties given(env, settings);
  constexpr size_t kRule = 5;
  const auto rules = given.bytes("rules");
  if (rules.empty()) return nullptr;
  auto conversion = std::make_unique<Conversion>();
  conversion->packet_samples = static_cast<uint16_t>(given.integer("packetSamples"));
  for (size_t i = 0; i + kRule <= rules.size(); i += kRule)
    conversion->rules[rules[i] & 0x7f] = {static_cast<PayloadRule::Kind>(rules[i + 1]), static_cast<uint8_t>(rules[i + 2] & 0x7f),
                                         static_cast<Law>(rules[i + 3]), static_cast<Law>(rules[i + 4])};
  return conversion;
}

void define_audio(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"listen", nullptr, listen, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"compand", nullptr, compand, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"addClip", nullptr, add_clip, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"dropClip", nullptr, drop_clip, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"play", nullptr, play, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"stop", nullptr, stop, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"press", nullptr, press, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"openRecording", nullptr, open_recording, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"record", nullptr, record, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"pauseRecording", nullptr, pause_recording, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"leaveRecording", nullptr, leave_recording, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"closeRecording", nullptr, close_recording, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"recorderDrops", nullptr, recorder_drops, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"subscribe", nullptr, subscribe, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"unsubscribe", nullptr, unsubscribe, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, std::size(functions), functions);
}

}  // namespace media
