// Owns the addon that the native tests load: runs every check, and shows the primitives that vectors speak of.
#include <node_api.h>

#include <cstring>
#include <span>

#include "check.h"
#include "../../src/media/native/key_derivation.h"
#include "../../src/media/native/rtcp.h"
#include "../../src/media/native/session_cipher.h"

namespace {

struct Arguments {
  napi_value values[6];

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = 6;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  std::span<uint8_t> bytes(napi_env env, size_t i) const {
    void* data = nullptr;
    size_t length = 0;
    napi_get_typedarray_info(env, values[i], nullptr, &length, &data, nullptr, nullptr);
    return {static_cast<uint8_t*>(data), length};
  }
};

napi_value text(napi_env env, const std::string& value) {
  napi_value result;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

// run() -> [{ name, failures: string[] }]
napi_value run(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_array(env, &result);
  uint32_t n = 0;
  for (const check::Case& each : check::cases()) {
    check::failures().clear();
    each.run();
    napi_value row, failures;
    napi_create_object(env, &row);
    napi_create_array(env, &failures);
    uint32_t m = 0;
    for (const check::Failure& failure : check::failures())
      if (m < 5) napi_set_element(env, failures, m++, text(env, failure.where));
    napi_set_named_property(env, row, "name", text(env, each.name));
    napi_set_named_property(env, row, "failures", failures);
    napi_set_element(env, result, n++, row);
  }
  return result;
}

// deriveKey(masterKey, masterSalt, label, out)
napi_value derive_key(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  uint32_t label = 0;
  napi_get_value_uint32(env, arguments.values[2], &label);
  media::AesCounter master(arguments.bytes(env, 0));
  media::derive_key(&master, arguments.bytes(env, 1).data(), static_cast<media::KeyLabel>(label), arguments.bytes(env, 3));
  return nullptr;
}

// keystream(key, counterBlock, out)
napi_value keystream(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const auto out = arguments.bytes(env, 2);
  std::memset(out.data(), 0, out.size());
  media::AesCounter(arguments.bytes(env, 0)).apply(arguments.bytes(env, 1).data(), out.data(), out.size());
  return nullptr;
}

// hmacSha1(key, data, out)
napi_value hmac_sha1(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const auto data = arguments.bytes(env, 1);
  media::HmacSha1(arguments.bytes(env, 0)).tag(data.data(), data.size(), nullptr, 0, arguments.bytes(env, 2).data());
  return nullptr;
}

// gcm(key, salt, index, encrypted, open, packet) -> whether it is good; packet has its tag at the end, and is changed in place
napi_value gcm(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  uint32_t index = 0;
  bool encrypted = false, open = false;
  napi_get_value_uint32(env, arguments.values[2], &index);
  napi_get_value_bool(env, arguments.values[3], &encrypted);
  napi_get_value_bool(env, arguments.values[4], &open);
  const auto data = arguments.bytes(env, 5);
  const size_t size = data.size() - media::AesGcm::kTagLength;
  const bool rtcp = media::looks_like_rtcp(data.data(), size);
  const auto purpose = rtcp ? media::SessionCipher::Purpose::kRtcp : media::SessionCipher::Purpose::kRtp;
  const auto cipher = media::SessionCipher::galois(arguments.bytes(env, 0), arguments.bytes(env, 1), purpose);
  media::CipherPacket packet{data.data(), rtcp ? 8u : 12u, size, media::read32(data.data() + (rtcp ? 4 : 8)), index, {}, encrypted,
                             data.data() + size, media::AesGcm::kTagLength};
  if (rtcp) media::write32(packet.trailer, index | (encrypted ? 0x80000000 : 0));
  bool good = true;
  if (open) {
    good = cipher->open(packet);
  } else {
    cipher->seal(packet);
  }
  napi_value result;
  napi_get_boolean(env, good, &result);
  return result;
}

napi_value init(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"run", nullptr, run, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"deriveKey", nullptr, derive_key, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"keystream", nullptr, keystream, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"hmacSha1", nullptr, hmac_sha1, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"gcm", nullptr, gcm, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  napi_define_properties(env, exports, std::size(functions), functions);
  return exports;
}

}  // namespace

NAPI_MODULE(native_checks, init)
