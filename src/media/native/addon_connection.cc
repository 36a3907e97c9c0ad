// Owns the reading of what ice-settings.ts packed. TypeScript has checked all of it.
#include "addon_connection.h"

#include <algorithm>
#include <cstring>

#include "addon_values.h"
#include "rtp.h"

namespace media {

namespace {

using Identity = std::shared_ptr<const DtlsIdentity>;

/// One candidate: component, family, port, priority, address in its first bytes.
constexpr size_t kPackedCandidate = 24;

IceCandidate unpack(const uint8_t* packed) {
  IceCandidate candidate{.component = packed[0], .priority = read32(packed + 4), .endpoint = {}};
  Endpoint& endpoint = candidate.endpoint;
  endpoint.any.sa_family = packed[1] == 6 ? AF_INET6 : AF_INET;
  endpoint.set_port(read16(packed + 2));
  if (packed[1] == 6) {
    std::memcpy(&endpoint.v6.sin6_addr, packed + 8, 16);
  } else {
    std::memcpy(&endpoint.v4.sin_addr, packed + 8, 4);
  }
  return candidate;
}

std::unique_ptr<IceSettings> read_ice(const Properties& given) {
  auto ice = std::make_unique<IceSettings>();
  ice->local_ufrag = given.text("localUfrag");
  ice->local_password = given.text("localPassword");
  ice->remote_ufrag = given.text("remoteUfrag");
  ice->remote_password = given.text("remotePassword");
  ice->lite = given.boolean("lite");
  ice->remote_lite = given.boolean("remoteLite");
  ice->controlling = given.boolean("controlling");
  const auto packed = given.bytes("candidates");
  for (size_t at = 0; at + kPackedCandidate <= packed.size(); at += kPackedCandidate) ice->candidates.push_back(unpack(packed.data() + at));
  return ice;
}

std::unique_ptr<DtlsSettings> read_dtls(const Properties& given) {
  void* identity = nullptr;
  if (napi_get_value_external(given.env(), given.get("identity"), &identity) != napi_ok || !identity) return nullptr;
  auto dtls = std::make_unique<DtlsSettings>();
  dtls->identity = *static_cast<Identity*>(identity);
  dtls->active = given.boolean("active");
  dtls->hash = given.text("hash");
  const auto fingerprint = given.bytes("fingerprint");
  dtls->fingerprint.assign(fingerprint.begin(), fingerprint.end());
  return dtls;
}

}  // namespace

std::unique_ptr<ConnectionSettings> read_connection(napi_env env, napi_value settings) {
  const Properties given(env, settings);
  const Properties ice(env, given.get("ice")), dtls(env, given.get("dtls"));
  if (!ice.is_object() && !dtls.is_object()) return nullptr;
  auto result = std::make_unique<ConnectionSettings>();
  if (ice.is_object()) result->ice = read_ice(ice);
  if (dtls.is_object()) result->dtls = read_dtls(dtls);
  return result;
}

napi_value make_identity(napi_env env, napi_callback_info) {
  napi_value result, external, fingerprints;
  auto identity = DtlsIdentity::make();
  if (!identity) {
    napi_get_null(env, &result);
    return result;
  }
  napi_create_object(env, &result);
  napi_create_object(env, &fingerprints);
  for (const char* hash : {"sha-1", "sha-224", "sha-256", "sha-384", "sha-512"}) {
    const std::vector<uint8_t> digest = identity->fingerprint(hash);
    void* data = nullptr;
    napi_value buffer, bytes;
    napi_create_arraybuffer(env, digest.size(), &data, &buffer);
    std::copy(digest.begin(), digest.end(), static_cast<uint8_t*>(data));
    napi_create_typedarray(env, napi_uint8_array, digest.size(), buffer, 0, &bytes);
    napi_set_named_property(env, fingerprints, hash, bytes);
  }
  napi_create_external(
      env, new Identity(std::move(identity)), [](napi_env, void* data, void*) { delete static_cast<Identity*>(data); }, nullptr, &external);
  napi_set_named_property(env, result, "identity", external);
  napi_set_named_property(env, result, "fingerprints", fingerprints);
  return result;
}

}  // namespace media
