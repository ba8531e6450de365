#include "gated.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "jit.h"

namespace grit {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const std::string FORWARD = R"(
template <typename T>
T silu_times(T gate, T up) {
  return times(rounded(gate / (T(1) + exp(-gate))), up);
}
)";

const std::string BACKWARD = R"(
template <typename T>
void silu_times_backward(T g, T gate, T up, T& to_gate, T& to_up) {
  const T sigmoid = T(1) / (T(1) + exp(-gate));
  to_gate = times(g, up) * sigmoid * (T(1) + gate * (T(1) - sigmoid));
  to_up = times(g, rounded(gate / (T(1) + exp(-gate))));
}
)";

struct Gated : torch::autograd::Function<Gated> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up) {
    context->save_for_backward({gate, up});
    return elementwise("silu_times", FORWARD, {gate, up})[0];
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    return elementwise("silu_times_backward", BACKWARD, {gradients[0], saved[0], saved[1]}, 2);
  }
};

}  // namespace

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) {
  const bool differs = at::GradMode::is_enabled() && (gate.requires_grad() || up.requires_grad());
  if (has_jit(gate)) return differs ? Gated::apply(gate, up) : elementwise("silu_times", FORWARD, {gate, up})[0];
  return differs ? at::silu(gate) * up : at::silu(gate).mul_(up);
}

TORCH_LIBRARY_FRAGMENT(grit, library) { library.def("gated(Tensor gate, Tensor up) -> Tensor", gated); }

}  // namespace grit
