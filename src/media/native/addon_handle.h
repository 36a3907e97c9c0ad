// Owns what one createRelay() gave to JavaScript: the relay, and the things that JavaScript names by number.
#pragma once

#include <node_api.h>

#include <memory>
#include <unordered_map>

#include "relay.h"

namespace media {

/// Lives until shutdown or the end of its environment.
struct Handle {
  std::unique_ptr<Relay> relay;
  napi_threadsafe_function report = nullptr;
  napi_threadsafe_function audio_report = nullptr;
  std::unordered_map<uint32_t, std::shared_ptr<const Clip>> clips;
  std::unordered_map<uint32_t, std::shared_ptr<Recording>> recordings;
  uint32_t next_number = 1;

  void stop() {
    if (!relay) return;
    recordings.clear();
    clips.clear();
    relay->shutdown();
    relay.reset();
    for (napi_threadsafe_function* each : {&report, &audio_report}) {
      if (*each) napi_release_threadsafe_function(*each, napi_tsfn_abort);
      *each = nullptr;
    }
  }
};

}  // namespace media
