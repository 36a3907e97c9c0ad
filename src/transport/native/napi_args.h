// Owns the values that cross between JavaScript and C++. TypeScript validates what comes in; this trusts it.
#pragma once
#include <node_api.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sip_sockets {

// The arguments of a call; undefined for those that were left out.
template <size_t N>
void arguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  size_t count = N;
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
}

inline int32_t number(napi_env env, napi_value value) {
  int32_t out = 0;
  napi_get_value_int32(env, value, &out);
  return out;
}

// A text of latin1.
inline std::string text_of(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_latin1(env, value, nullptr, 0, &length);
  std::string out(length, '\0');
  napi_get_value_string_latin1(env, value, out.data(), length + 1, &length);
  return out;
}

// The elements of a typed array, borrowed from it.
template <typename T>
T* data_of(napi_env env, napi_value view) {
  void* data = nullptr;
  napi_get_typedarray_info(env, view, nullptr, nullptr, &data, nullptr, nullptr);
  return static_cast<T*>(data);
}

// The bytes of an ArrayBuffer, borrowed from it.
inline uint8_t* memory_of(napi_env env, napi_value buffer) {
  void* data = nullptr;
  napi_get_arraybuffer_info(env, buffer, &data, nullptr);
  return static_cast<uint8_t*>(data);
}

template <typename Visit>
void each(napi_env env, napi_value array, Visit visit) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    napi_get_element(env, array, i, &element);
    visit(element);
  }
}

inline napi_value to_js(napi_env env, int32_t value) {
  napi_value out;
  napi_create_int32(env, value, &out);
  return out;
}

inline napi_value to_js(napi_env env, bool value) {
  napi_value out;
  napi_get_boolean(env, value, &out);
  return out;
}

// Bytes become characters of latin1.
inline napi_value to_js(napi_env env, std::string_view text) {
  napi_value out;
  napi_create_string_latin1(env, text.data(), text.size(), &out);
  return out;
}

}  // namespace sip_sockets
