#include "cuda_graph.h"

#include <c10/core/Device.h>
#include <c10/util/Exception.h>

#ifndef GRIT_CUDA_GRAPHS

namespace grit {
bool records_cuda_graphs() { return false; }
std::unique_ptr<RecordedWork> begin_cuda_graph(c10::Device) {
  TORCH_CHECK(false, "the native library was built without CUDA's headers and records no graphs");
}
}  // namespace grit

#else

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include <unordered_map>

namespace grit {
namespace {

// One stream records all graphs of a device: cuBLAS keeps a workspace for every stream that it has met.
c10::cuda::CUDAStream side_stream(c10::DeviceIndex device) {
  static auto* streams = new std::unordered_map<c10::DeviceIndex, c10::cuda::CUDAStream>();
  const auto known = streams->find(device);
  if (known != streams->end()) return known->second;
  return streams->emplace(device, c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device)).first->second;
}

class CudaGraph final : public RecordedWork {
 public:
  explicit CudaGraph(c10::DeviceIndex device) : before_(c10::cuda::getCurrentCUDAStream(device)) {
    before_.synchronize();
    c10::cuda::setCurrentCUDAStream(side_stream(device));
    try {
      // Other threads of this process may go on using the device.
      graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
      open_ = true;
    } catch (...) {
      c10::cuda::setCurrentCUDAStream(before_);
      throw;
    }
  }

  ~CudaGraph() override {
    try {
      // It may still be running; where it was broken off, waiting would be part of the recording.
      if (!open_) before_.synchronize();
      close();
    } catch (const std::exception&) {
      // What made it break off is told already.
    }
  }

  void called(const c10::OperatorHandle&, torch::jit::Stack, const torch::jit::Stack&) override {}

  void end(const at::Tensor& result) override {
    close();
    result_ = result;
  }

  at::Tensor replay() override {
    graph_.replay();
    return result_;
  }

 private:
  // Gives the stream of before back.
  void close() {
    if (!open_) return;
    open_ = false;
    try {
      graph_.capture_end();
    } catch (...) {
      c10::cuda::setCurrentCUDAStream(before_);
      throw;
    }
    c10::cuda::setCurrentCUDAStream(before_);
  }

  at::cuda::CUDAGraph graph_;
  at::Tensor result_;
  c10::cuda::CUDAStream before_;
  bool open_ = false;
};

}  // namespace

bool records_cuda_graphs() { return true; }

std::unique_ptr<RecordedWork> begin_cuda_graph(c10::Device device) { return std::make_unique<CudaGraph>(device.index()); }

}  // namespace grit

#endif
