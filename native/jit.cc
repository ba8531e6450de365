#include "jit.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#ifdef GRIT_CUDA
#include <ATen/cuda/jiterator.h>
#endif

namespace grit {

#ifdef GRIT_CUDA

namespace {
const std::string ROUNDED = R"(
__device__ float rounded(float x) {
  const unsigned bits = __float_as_uint(x);
  return x == x ? __uint_as_float((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u) : x;
}
)";
}  // namespace

bool has_jit(const at::Tensor& x) {
  return x.is_cuda() && x.scalar_type() == at::kBFloat16 && !(at::GradMode::is_enabled() && x.requires_grad());
}

std::vector<at::Tensor> elementwise(const std::string& name, const std::string& source, std::vector<at::Tensor> tensors, int outputs) {
  const c10::SmallVector<at::Tensor> inputs(tensors.begin(), tensors.end());
  const auto made = at::cuda::CompileAndLaunchKernel(ROUNDED + source, name, outputs, inputs, {}, outputs > 1);
  return {made.begin(), made.end()};
}

#else

bool has_jit(const at::Tensor&) { return false; }

std::vector<at::Tensor> elementwise(const std::string& name, const std::string&, std::vector<at::Tensor>, int) {
  TORCH_CHECK(false, "the native library was built without CUDA and has no kernel ", name);
}

#endif

}  // namespace grit
