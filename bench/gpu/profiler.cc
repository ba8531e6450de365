// What PyTorch's profiler sees between two calls, summed by name: start(), then stop() -> [[where, name, calls, microseconds], …], "host"
// or "device"; a last row ["device", "", kernels, microseconds] counts the time in which the device did anything at all.
#include <node_api.h>
#include <ATen/Context.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace {

using torch::profiler::impl::ActivityType;

std::set<ActivityType> activities() {
  std::set<ActivityType> all{ActivityType::CPU};
  if (at::hasCUDA()) all.insert(ActivityType::CUDA);
  return all;
}

napi_value start(napi_env, napi_callback_info) {
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
  torch::autograd::profiler::prepareProfiler(config, activities());
  torch::autograd::profiler::enableProfiler(config, activities());
  return nullptr;
}

struct Sum {
  int64_t calls = 0;
  int64_t ns = 0;
};

napi_value row(napi_env env, const std::string& where, const std::string& name, const Sum& sum) {
  napi_value out, item;
  napi_create_array_with_length(env, 4, &out);
  napi_create_string_utf8(env, where.c_str(), where.size(), &item);
  napi_set_element(env, out, 0, item);
  napi_create_string_utf8(env, name.c_str(), name.size(), &item);
  napi_set_element(env, out, 1, item);
  napi_create_int64(env, sum.calls, &item);
  napi_set_element(env, out, 2, item);
  napi_create_double(env, sum.ns / 1e3, &item);
  napi_set_element(env, out, 3, item);
  return out;
}

napi_value stop(napi_env env, napi_callback_info) {
  const auto result = torch::autograd::profiler::disableProfiler();
  std::map<std::pair<std::string, std::string>, Sum> sums;
  std::vector<std::pair<int64_t, int64_t>> busy;
  for (const auto& event : result->events()) {
    const bool device = event.deviceType() != c10::DeviceType::CPU;
    auto& sum = sums[{device ? "device" : "host", event.name()}];
    sum.calls++;
    sum.ns += event.durationNs();
    if (device) busy.emplace_back(event.startNs(), event.startNs() + event.durationNs());
  }
  std::sort(busy.begin(), busy.end());
  Sum any{static_cast<int64_t>(busy.size()), 0};
  int64_t end = 0;
  for (const auto& [from, to] : busy) {
    any.ns += std::max<int64_t>(0, to - std::max(from, end));
    end = std::max(end, to);
  }
  napi_value out;
  napi_create_array(env, &out);
  uint32_t index = 0;
  for (const auto& [key, sum] : sums) napi_set_element(env, out, index++, row(env, key.first, key.second, sum));
  napi_set_element(env, out, index, row(env, "device", "", any));
  return out;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "start", NAPI_AUTO_LENGTH, start, nullptr, &function);
  napi_set_named_property(env, exports, "start", function);
  napi_create_function(env, "stop", NAPI_AUTO_LENGTH, stop, nullptr, &function);
  napi_set_named_property(env, exports, "stop", function);
  return exports;
}
