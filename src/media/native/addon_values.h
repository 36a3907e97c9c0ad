// Owns the reading of JavaScript values, which TypeScript has checked, and the making of simple ones.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <span>
#include <string>

#include "addon_handle.h"

namespace media {

inline napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

inline napi_value boolean(napi_env env, bool value) {
  napi_value result;
  napi_get_boolean(env, value, &result);
  return result;
}

inline int64_t integer(napi_env env, napi_value value) {
  int64_t result = 0;
  napi_get_value_int64(env, value, &result);
  return result;
}

/// The longest text that is read, an ICE credential, and its end.
inline constexpr size_t kMostText = 257;

inline std::string text(napi_env env, napi_value value) {
  char buffer[kMostText] = "";
  size_t length = 0;
  napi_get_value_string_utf8(env, value, buffer, sizeof buffer, &length);
  return {buffer, length};
}

inline std::span<const uint8_t> bytes(napi_env env, napi_value value) {
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, value, nullptr, &length, &data, nullptr, nullptr);
  return {static_cast<const uint8_t*>(data), length};
}

inline std::span<double> numbers(napi_env env, napi_value value) {
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
  napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr);
  return {static_cast<double*>(data), type == napi_float64_array ? length : 0};
}

/// Those of one call; the first is the handle of the relay.
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) { napi_get_cb_info(env, info, &count_, values_, nullptr, nullptr); }

  Handle& handle() const {
    void* data = nullptr;
    napi_get_value_external(env_, values_[0], &data);
    return *static_cast<Handle*>(data);
  }
  napi_value value(size_t i) const { return values_[i]; }
  int64_t integer(size_t i) const { return media::integer(env_, values_[i]); }
  /// The number of a stream, a clip or a recording.
  uint32_t id(size_t i) const { return static_cast<uint32_t>(integer(i)); }
  std::string text(size_t i) const { return media::text(env_, values_[i]); }
  std::span<const uint8_t> bytes(size_t i) const { return media::bytes(env_, values_[i]); }
  std::span<double> numbers(size_t i) const { return media::numbers(env_, values_[i]); }

 private:
  static constexpr size_t kMost = 5;
  napi_env env_;
  size_t count_ = kMost;
  napi_value values_[kMost];
};

/// The properties of an object; all of them are there, and of the right kind.
class Properties {
 public:
  Properties(napi_env env, napi_value object) : env_(env), object_(object) {}

  bool is_object() const {
    napi_valuetype type = napi_undefined;
    return napi_typeof(env_, object_, &type) == napi_ok && type == napi_object;
  }
  napi_env env() const { return env_; }
  napi_value get(const char* name) const {
    napi_value value = nullptr;
    napi_get_named_property(env_, object_, name, &value);
    return value;
  }
  int64_t integer(const char* name) const { return media::integer(env_, get(name)); }
  bool boolean(const char* name) const {
    bool value = false;
    napi_get_value_bool(env_, get(name), &value);
    return value;
  }
  std::string text(const char* name) const { return media::text(env_, get(name)); }
  std::span<const uint8_t> bytes(const char* name) const { return media::bytes(env_, get(name)); }

 private:
  napi_env env_;
  napi_value object_;
};

}  // namespace media
