#include "gated.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "jit.h"

namespace grit {
namespace {

// The activation rounds as it would alone.
const std::string KERNEL = R"(
template <typename T>
T silu_times(T gate, T up) {
  return rounded(gate / (T(1) + exp(-gate))) * up;
}
)";

}  // namespace

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) {
  const bool differs = at::GradMode::is_enabled() && (gate.requires_grad() || up.requires_grad());
  if (differs) return at::silu(gate) * up;
  return has_jit(gate) ? elementwise("silu_times", KERNEL, {gate, up})[0] : at::silu(gate).mul_(up);
}

TORCH_LIBRARY_FRAGMENT(grit, library) { library.def("gated(Tensor gate, Tensor up) -> Tensor", gated); }

}  // namespace grit
