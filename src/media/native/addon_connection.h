// Owns how ICE and DTLS cross from JavaScript: settings read, certificates handed out.
#pragma once

#include <node_api.h>

#include <memory>

#include "connection.h"

namespace media {

/// The `ice` and `dtls` of settings that native-relay.ts made; nullptr where both are null.
std::unique_ptr<ConnectionSettings> read_connection(napi_env env, napi_value settings);

// makeIdentity() -> { identity, fingerprints: { 'sha-256': Uint8Array, ... } } | null
napi_value make_identity(napi_env env, napi_callback_info info);

}  // namespace media
