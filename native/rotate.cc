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

// A token's heads. `into_first` of each second half goes into the first, `into_second` of the first into the second.
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

// x [T, heads, E], tokens any distance apart.
at::Tensor turned_by_loops(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool back) {
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

const std::string KERNEL = R"(
template <typename T>
void rotate_halves(T first, T second, T cos, T into_first, T into_second, T& y1, T& y2) {
  y1 = plus(times(first, cos), times(second, into_first));
  y2 = plus(times(second, cos), times(first, into_second));
}
)";

at::Tensor turned_by_kernel(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool back) {
  const auto half = x.size(-1) / 2;
  const auto part = [&](const at::Tensor& of, bool is_second) { return of.narrow(-1, is_second ? half : 0, half); };
  const auto halves =
      elementwise("rotate_halves", KERNEL, {part(x, false), part(x, true), part(cos, false), part(sin, back), part(sin, !back)}, 2);
  return at::cat(halves, -1).to(x.scalar_type());
}

// The gradient goes back the same way, the halves' shares of each other exchanged.
at::Tensor turned(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool back) {
  return x.is_cpu() ? turned_by_loops(x, cos, sin, back) : turned_by_kernel(x, cos, sin, back);
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

bool has_whole_tokens(const at::Tensor& x) {
  return x.dim() == 3 && x.size(2) % 2 == 0 && x.stride(2) == 1 && x.stride(1) == x.size(2) && x.numel() > 0;
}

}  // namespace

at::Tensor rotate(const at::Tensor& given, const at::Tensor& cos, const at::Tensor& signed_sin) {
  const auto fits = [&](const at::Tensor& turns) {
    return turns.scalar_type() == at::kFloat && turns.is_contiguous() && turns.numel() == given.size(0) * given.size(-1);
  };
  const bool is_float = given.is_cpu() && given.scalar_type() == at::kFloat && fits(cos) && fits(signed_sin);
  const auto x = is_float && !has_whole_tokens(given) ? given.contiguous() : given;
  if (has_jit(x) || (is_float && has_whole_tokens(x))) {
    const bool differs = at::GradMode::is_enabled() && x.requires_grad();
    return differs ? Rotate::apply(x, cos, signed_sin) : turned(x, cos, signed_sin, false);
  }
  const auto wide = x.to(cos.scalar_type());
  return (wide * cos + wide.roll({x.size(-1) / 2}, {-1}) * signed_sin).to(x.scalar_type());
}

TORCH_LIBRARY_FRAGMENT(grit, library) { library.def("rotate(Tensor x, Tensor cos, Tensor signed_sin) -> Tensor", rotate); }

}  // namespace grit
