#include "rotate.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "jit.h"
#include "wide.h"

namespace grit {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// A token's heads. Each half is turned into the other: the first takes `into_first` of the second, the second `into_second` of the first.
GRIT_WIDE void turn(const float* x, const float* cos, const float* into_first, const float* into_second, float* y, int64_t heads,
                    int64_t half) {
  for (int64_t head = 0; head < heads; ++head, x += 2 * half, y += 2 * half) {
#pragma omp simd
    for (int64_t i = 0; i < half; ++i) {
      y[i] = x[i] * cos[i] + x[half + i] * into_first[i];
      y[half + i] = x[half + i] * cos[half + i] + x[i] * into_second[i];
    }
  }
}

// x [T, heads, E], tokens any distance apart. `back` gives the gradient's way.
at::Tensor turned(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool back) {
  const auto tokens = x.size(0), heads = x.size(1), width = x.size(2), half = width / 2, apart = x.stride(0);
  auto made = at::empty(x.sizes(), x.options());
  const auto *from = x.const_data_ptr<float>(), *cosines = cos.const_data_ptr<float>(), *sines = sin.const_data_ptr<float>();
  auto* y = made.mutable_data_ptr<float>();
  at::parallel_for(0, tokens, 1 + at::internal::GRAIN_SIZE / (heads * width), [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const auto *first = sines + t * width, *second = first + half;
      turn(from + t * apart, cosines + t * width, back ? second : first, back ? first : second, y + t * heads * width, heads, half);
    }
  });
  return made;
}

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
    context->save_for_backward({cos, sin});
    return turned(x, cos, sin, false);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    return {turned(gradients[0].contiguous(), saved[0], saved[1], true), at::Tensor(), at::Tensor()};
  }
};

// Each product and sum rounds as it would alone.
const std::string KERNEL = R"(
template <typename T>
void rotate_halves(T first, T second, T cos, T sin, T& y1, T& y2) {
  y1 = rounded(first * cos) - rounded(second * sin);
  y2 = rounded(second * cos) + rounded(first * sin);
}
)";

at::Tensor by_kernel(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
  const auto half = x.size(-1) / 2;
  const auto first = [&](const at::Tensor& of) { return of.narrow(-1, 0, half); };
  const auto second = [&](const at::Tensor& of) { return of.narrow(-1, half, half); };
  return at::cat(elementwise("rotate_halves", KERNEL, {first(x), second(x), first(cos), second(sin)}, 2), -1);
}

bool has_whole_tokens(const at::Tensor& x) {
  return x.dim() == 3 && x.size(2) % 2 == 0 && x.stride(2) == 1 && x.stride(1) == x.size(2) && x.numel() > 0;
}

}  // namespace

at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& signed_sin) {
  const bool is_float = x.scalar_type() == at::kFloat && cos.scalar_type() == at::kFloat;
  const bool differs = at::GradMode::is_enabled() && x.requires_grad();
  if (has_jit(x) && cos.scalar_type() == at::kBFloat16 && !differs) return by_kernel(x, cos, signed_sin);
  if (x.is_cpu() && is_float && cos.is_contiguous() && signed_sin.is_contiguous()) {
    const auto rows = has_whole_tokens(x) ? x : x.contiguous();
    if (has_whole_tokens(rows))
      return differs ? Rotate::apply(rows, cos, signed_sin) : turned(rows, cos, signed_sin, false);
  }
  const auto wide = x.to(cos.scalar_type());
  return (wide * cos + wide.roll({x.size(-1) / 2}, {-1}) * signed_sin).to(x.scalar_type());
}

TORCH_LIBRARY_FRAGMENT(grit, library) { library.def("rotate(Tensor x, Tensor cos, Tensor signed_sin) -> Tensor", rotate); }

}  // namespace grit
