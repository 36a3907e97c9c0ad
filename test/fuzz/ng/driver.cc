// Owns libFuzzer in a Node process: the counters of instrumented JavaScript are its coverage, a function its target.
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// Of libFuzzer (compiler-rt/lib/fuzzer/FuzzerInterface.h) and of the coverage that it listens to.
extern "C" {
int LLVMFuzzerRunDriver(int* argc, char*** argv, int (*target)(const uint8_t* data, size_t size));
void __sanitizer_cov_8bit_counters_init(uint8_t* start, uint8_t* stop);
void __sanitizer_cov_pcs_init(const uintptr_t* start, const uintptr_t* stop);
}

namespace {

constexpr size_t kCounters = 1 << 14;
uint8_t counters[kCounters];
/// libFuzzer wants a place in code for each counter; it names them, and asks for no more.
uintptr_t places[2 * kCounters];

napi_env environment;
napi_value target;

/// An exception of the target is a finding: its stack is written, and libFuzzer keeps the input.
int run_target(const uint8_t* data, size_t size) {
  napi_handle_scope scope;
  napi_open_handle_scope(environment, &scope);
  napi_value undefined, input;
  napi_get_undefined(environment, &undefined);
  napi_create_buffer_copy(environment, size, data, nullptr, &input);
  const napi_status status = napi_call_function(environment, undefined, target, 1, &input, nullptr);
  if (status != napi_ok) {
    napi_value error, stack, text;
    size_t length = 0;
    char told[4096] = "";
    if (napi_get_and_clear_last_exception(environment, &error) == napi_ok && napi_get_named_property(environment, error, "stack", &stack) == napi_ok &&
        napi_coerce_to_string(environment, stack, &text) == napi_ok)
      napi_get_value_string_utf8(environment, text, told, sizeof told, &length);
    std::fprintf(stderr, "%s\n", told);
    std::abort();
  }
  napi_close_handle_scope(environment, scope);
  return 0;
}

// run(arguments, counters => target): does not return; the process ends as libFuzzer ends it.
napi_value run(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2], undefined, buffer, array;
  napi_get_cb_info(env, info, &count, given, nullptr, nullptr);
  environment = env;
  napi_get_undefined(env, &undefined);
  if (napi_create_external_arraybuffer(env, counters, kCounters, nullptr, nullptr, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, kCounters, buffer, 0, &array) != napi_ok ||
      napi_call_function(env, undefined, given[1], 1, &array, &target) != napi_ok)
    return nullptr;

  uint32_t length = 0;
  napi_get_array_length(env, given[0], &length);
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    size_t size = 0;
    char text[1024] = "";
    napi_get_element(env, given[0], i, &element);
    napi_get_value_string_utf8(env, element, text, sizeof text, &size);
    texts.emplace_back(text, size);
  }
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);

  for (size_t i = 0; i < kCounters; i++) places[2 * i] = reinterpret_cast<uintptr_t>(counters) + i;
  __sanitizer_cov_8bit_counters_init(counters, counters + kCounters);
  __sanitizer_cov_pcs_init(places, places + 2 * kCounters);
  int argc = static_cast<int>(texts.size());
  char** argv = pointers.data();
  std::exit(LLVMFuzzerRunDriver(&argc, &argv, run_target));
}

napi_value init(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, nullptr, &function);
  napi_set_named_property(env, exports, "run", function);
  return exports;
}

}  // namespace

NAPI_MODULE(ng_fuzz, init)
