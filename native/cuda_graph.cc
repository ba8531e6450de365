#include "cuda_graph.h"

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#ifndef GRIT_CUDA_GRAPHS

namespace grit {
namespace {
[[noreturn]] void refuse() { TORCH_CHECK(false, "the native library was built without CUDA's headers and records no graphs"); }
}  // namespace
bool records_graphs(const std::string&) { return false; }
void begin_graph(const std::string&) { refuse(); }
int64_t end_graph() { refuse(); }
void abandon_graph() {}
void replay_graph(int64_t) { refuse(); }
void dispose_graph(int64_t) {}
}  // namespace grit

#else

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>
#include <optional>
#include <unordered_map>

namespace grit {
namespace {

using Graph = at::cuda::CUDAGraph;

std::unordered_map<int64_t, std::unique_ptr<Graph>>& graphs() {
  static auto* kept = new std::unordered_map<int64_t, std::unique_ptr<Graph>>();
  return *kept;
}

struct Recording {
  std::unique_ptr<Graph> graph;
  c10::cuda::CUDAStream before;
};

std::optional<Recording>& recording() {
  static auto* open = new std::optional<Recording>();
  return *open;
}

// One stream records all graphs of a device: cuBLAS keeps a workspace for every stream that it has met.
c10::cuda::CUDAStream side_stream(c10::DeviceIndex device) {
  static auto* streams = new std::unordered_map<c10::DeviceIndex, c10::cuda::CUDAStream>();
  const auto known = streams->find(device);
  if (known != streams->end()) return known->second;
  return streams->emplace(device, c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device)).first->second;
}

// Takes the recording and gives the stream of before back.
std::unique_ptr<Graph> take_recording() {
  TORCH_CHECK(recording(), "nothing is being recorded");
  auto graph = std::move(recording()->graph);
  const auto before = recording()->before;
  recording().reset();
  try {
    graph->capture_end();
  } catch (...) {
    c10::cuda::setCurrentCUDAStream(before);
    throw;
  }
  c10::cuda::setCurrentCUDAStream(before);
  return graph;
}

}  // namespace

bool records_graphs(const std::string& device) { return c10::Device(device).is_cuda(); }

void begin_graph(const std::string& device) {
  TORCH_CHECK(!recording(), "a graph is being recorded already");
  const auto index = c10::Device(device).index();
  const auto before = c10::cuda::getCurrentCUDAStream(index);
  before.synchronize();
  recording().emplace(Recording{std::make_unique<Graph>(), before});
  c10::cuda::setCurrentCUDAStream(side_stream(index));
  try {
    // Other threads of this process may go on using the device.
    recording()->graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  } catch (...) {
    c10::cuda::setCurrentCUDAStream(before);
    recording().reset();
    throw;
  }
}

int64_t end_graph() {
  static int64_t next = 0;
  graphs().emplace(next, take_recording());
  return next++;
}

void abandon_graph() {
  if (!recording()) return;
  try {
    take_recording();
  } catch (const std::exception&) {
    // What made it break off is told already.
  }
}

void replay_graph(int64_t handle) { graphs().at(handle)->replay(); }

void dispose_graph(int64_t handle) { graphs().erase(handle); }

}  // namespace grit

#endif
