// A device for tests: memory and arithmetic of the host, and the refusals of a GPU. Loaded beside the addon of native/, it
// answers to "mirror:0" and "mirror:1" through PyTorch's PrivateUse1. ../mirror.mjs loads it.
#define NAPI_VERSION 8
#include <node_api.h>

#include <string>
#include <vector>

#include "device.h"
#include "fallback.h"

namespace mirror {
namespace {

std::set<std::string> to_names(napi_env env, napi_value array) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  std::set<std::string> names;
  for (uint32_t i = 0; i < length; i++) {
    napi_value item;
    napi_get_element(env, array, i, &item);
    size_t size = 0;
    napi_get_value_string_utf8(env, item, nullptr, 0, &size);
    std::string name(size, '\0');
    napi_get_value_string_utf8(env, item, name.data(), size + 1, &size);
    names.insert(std::move(name));
  }
  return names;
}

// setRules(unchecked, hostOnly) : names of operators
napi_value set_rules(napi_env env, napi_callback_info info) {
  napi_value args[2];
  size_t count = 2;
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  mirror::set_rules({to_names(env, args[0]), to_names(env, args[1])});
  return nullptr;
}

// traffic() -> [operators, uploads, reads] since the process began
napi_value traffic(napi_env env, napi_callback_info) {
  const Traffic now = mirror::traffic();
  napi_value out, names, uploads, reads;
  napi_create_array(env, &names);
  uint32_t i = 0;
  for (const std::string& name : now.operators) {
    napi_value item;
    napi_create_string_utf8(env, name.data(), name.size(), &item);
    napi_set_element(env, names, i++, item);
  }
  napi_create_int64(env, now.uploads, &uploads);
  napi_create_int64(env, now.reads, &reads);
  napi_create_array_with_length(env, 3, &out);
  napi_set_element(env, out, 0, names);
  napi_set_element(env, out, 1, uploads);
  napi_set_element(env, out, 2, reads);
  return out;
}

napi_value init(napi_env env, napi_value exports) {
  // Once a process; a worker thread calls this again.
  static const bool registered = (register_device(), true);
  (void)registered;
  for (const auto& [name, function] : {std::pair{"setRules", &set_rules}, std::pair{"traffic", &traffic}}) {
    napi_value value;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value);
    napi_set_named_property(env, exports, name, value);
  }
  return exports;
}

}  // namespace
}  // namespace mirror

NAPI_MODULE(mirror, mirror::init)
