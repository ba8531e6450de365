#include "gated.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>

#include "jit.h"
#include "wide.h"

namespace grit {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <typename To, typename From>
inline To same_bits(From from) {
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// e^x within two units of the last place, by instructions that loops turn into wide ones: 2^n · e^r, |r| <= ln(2) / 2, and e^r by Cephes'
// polynomial. Beyond ±88, where float32 ends, it stays as it is there; a comparison of floats would become a branch for NaN.
inline float exponential(float unbounded) {
  const auto bits = same_bits<int32_t>(unbounded);
  const float x = same_bits<float>((bits & INT32_MIN) | std::min(bits & INT32_MAX, same_bits<int32_t>(88.f)));
  const float n = (x * 1.44269504f + 12582912.f) - 12582912.f;  // to the nearest whole number
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  return p * same_bits<float>((static_cast<int32_t>(n) + 127) << 23);
}

GRIT_WIDE void forward_row(const float* gate, const float* up, float* y, int64_t width) {
#pragma omp simd
  for (int64_t i = 0; i < width; ++i) y[i] = gate[i] / (1.f + exponential(-gate[i])) * up[i];
}

GRIT_WIDE void backward_row(const float* g, const float* gate, const float* up, float* to_gate, float* to_up, int64_t width) {
#pragma omp simd
  for (int64_t i = 0; i < width; ++i) {
    const float sigmoid = 1.f / (1.f + exponential(-gate[i]));
    to_gate[i] = g[i] * up[i] * sigmoid * (1.f + gate[i] * (1.f - sigmoid));
    to_up[i] = g[i] * gate[i] * sigmoid;
  }
}

// work(row) for all rows, several threads side by side. An exponential is worth some sums.
template <typename Work>
void each_row(const at::Tensor& like, Work&& work) {
  at::parallel_for(0, like.size(0), 1 + at::internal::GRAIN_SIZE / (8 * like.size(1)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) work(row);
  });
}

// Rows any distance apart.
bool has_loops(const at::Tensor& gate, const at::Tensor& up) {
  const auto fits = [&](const at::Tensor& x) {
    return x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 2 && x.stride(1) == 1 && x.sizes() == gate.sizes();
  };
  return fits(gate) && fits(up) && gate.numel() > 0;
}

at::Tensor by_loops(const at::Tensor& gate, const at::Tensor& up) {
  auto made = at::empty(gate.sizes(), gate.options());
  const auto *g = gate.const_data_ptr<float>(), *u = up.const_data_ptr<float>();
  auto* y = made.mutable_data_ptr<float>();
  const auto width = gate.size(1), g_apart = gate.stride(0), u_apart = up.stride(0);
  each_row(gate, [&](int64_t row) { forward_row(g + row * g_apart, u + row * u_apart, y + row * width, width); });
  return made;
}

variable_list gradient_by_loops(const at::Tensor& arriving, const at::Tensor& gate, const at::Tensor& up) {
  const auto from = arriving.contiguous();
  auto to_gate = at::empty(gate.sizes(), gate.options()), to_up = at::empty(gate.sizes(), gate.options());
  const auto *a = from.const_data_ptr<float>(), *g = gate.const_data_ptr<float>(), *u = up.const_data_ptr<float>();
  auto *g_out = to_gate.mutable_data_ptr<float>(), *u_out = to_up.mutable_data_ptr<float>();
  const auto width = gate.size(1), g_apart = gate.stride(0), u_apart = up.stride(0);
  each_row(gate, [&](int64_t row) {
    const auto at = row * width;
    backward_row(a + at, g + row * g_apart, u + row * u_apart, g_out + at, u_out + at, width);
  });
  return {to_gate, to_up};
}

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

at::Tensor value(const at::Tensor& gate, const at::Tensor& up) {
  if (has_loops(gate, up)) return by_loops(gate, up);
  return has_jit(gate) ? elementwise("silu_times", FORWARD, {gate, up})[0] : at::silu(gate).mul_(up);
}

struct Gated : torch::autograd::Function<Gated> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up) {
    context->save_for_backward({gate, up});
    return value(gate, up);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &g = gradients[0], &gate = saved[0], &up = saved[1];
    if (has_loops(gate, up)) return gradient_by_loops(g, gate, up);
    if (has_jit(gate)) return elementwise("silu_times_backward", BACKWARD, {g, gate, up}, 2);
    const auto to_up = at::silu(gate).mul_(g);
    return {at::silu_backward(g * up, gate), to_up};
  }
};

}  // namespace

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up) {
  const bool differs = at::GradMode::is_enabled() && (gate.requires_grad() || up.requires_grad());
  return differs ? Gated::apply(gate, up) : value(gate, up);
}

TORCH_LIBRARY_FRAGMENT(grit, library) { library.def("gated(Tensor gate, Tensor up) -> Tensor", gated); }

}  // namespace grit
