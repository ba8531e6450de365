#include "jit.h"

#include <ATen/ATen.h>

#ifdef GRIT_CUDA
#include <ATen/cuda/jiterator.h>
#include <c10/core/DeviceGuard.h>
#endif

namespace grit {

#ifdef GRIT_CUDA

namespace {

const std::string IN_BFLOAT16 = R"(
__device__ float rounded(float x) {
  const unsigned bits = __float_as_uint(x);
  return x == x ? __uint_as_float((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u) : x;
}
__device__ float times(float a, float b) { return rounded(a * b); }
__device__ float plus(float a, float b) { return rounded(a + b); }
)";

// A product and a sum after it are not one instruction, which would round once.
const std::string IN_FLOAT32 = R"(
__device__ float rounded(float x) { return x; }
__device__ float times(float a, float b) { return __fmul_rn(a, b); }
__device__ float plus(float a, float b) { return __fadd_rn(a, b); }
)";

std::vector<at::Tensor> launch(const std::string& name, const std::string& source, const std::vector<at::Tensor>& tensors, int outputs) {
  const c10::DeviceGuard guard(tensors[0].device());
  const c10::SmallVector<at::Tensor> inputs(tensors.begin(), tensors.end());
  const auto made = at::cuda::CompileAndLaunchKernel(source, name, outputs, inputs, {}, outputs > 1);
  return {made.begin(), made.end()};
}

// Whether kernels can be compiled here: CUDA's compiler is a library of its own, which may be missing.
bool compiles(const at::Tensor& like) {
  static const bool does = [&] {
    const auto one = at::ones({1}, like.options());
    try {
      launch("same", "template <typename T> T same(T x) { return x; }", {one}, 1);
      return true;
    } catch (const std::exception& error) {
      TORCH_WARN("No kernels of our own: they do not compile here, and libtorch's operators take their place. ", error.what());
      return false;
    }
  }();
  return does;
}

}  // namespace

bool has_jit(const at::Tensor& x) {
  return x.is_cuda() && x.scalar_type() == at::kBFloat16 && x.numel() > 0 && compiles(x);
}

std::vector<at::Tensor> elementwise(const std::string& name, const std::string& source, const std::vector<at::Tensor>& tensors, int outputs) {
  bool is_wide = false;
  for (const auto& tensor : tensors) is_wide = is_wide || tensor.scalar_type() == at::kFloat;
  return launch(name, (is_wide ? IN_FLOAT32 : IN_BFLOAT16) + source, tensors, outputs);
}

#else

bool has_jit(const at::Tensor&) { return false; }

std::vector<at::Tensor> elementwise(const std::string& name, const std::string&, const std::vector<at::Tensor>&, int) {
  TORCH_CHECK(false, "the native library was built without CUDA and has no kernel ", name);
}

#endif

}  // namespace grit
