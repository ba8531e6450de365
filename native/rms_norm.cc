#include "rms_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <cmath>

#include "wide.h"

namespace grit {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows whose part of the weight's gradient is added up together, whatever the number of threads.
constexpr int64_t ROWS = 128;

// y = x · scale · w for each row, scale = 1 / sqrt(mean(x²) + eps).
GRIT_WIDE void normalise(const float* x, const float* w, float* y, float* scales, int64_t rows, int64_t width, float eps) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; ++i) squares += x[i] * x[i];
    const float scale = scales[row] = 1 / std::sqrt(squares / width + eps);
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) y[i] = x[i] * scale * w[i];
  }
}

// With n = x · scale, of each row: to_x = scale · (g · w − n · mean(g · w · n)).
GRIT_WIDE void towards_input(const float* g, const float* x, const float* w, const float* scales, float* to_x, int64_t rows,
                             int64_t width) {
  for (int64_t row = 0; row < rows; ++row, g += width, x += width, to_x += width) {
    float products = 0;
#pragma omp simd reduction(+ : products)
    for (int64_t i = 0; i < width; ++i) products += g[i] * w[i] * x[i];
    const float scale = scales[row], along = products * scale * scale / width;
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) to_x[i] = scale * (g[i] * w[i] - x[i] * along);
  }
}

// to_w += Σ g · x · scale over rows.
GRIT_WIDE void towards_weight(const float* g, const float* x, const float* scales, float* to_w, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row, g += width, x += width) {
    const float scale = scales[row];
#pragma omp simd
    for (int64_t i = 0; i < width; ++i) to_w[i] += g[i] * x[i] * scale;
  }
}

struct Normalised {
  at::Tensor y, scales;
};

Normalised normalised(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const auto width = weight.numel(), rows = x.numel() / width;
  Normalised made{at::empty_like(x), at::empty({rows}, x.options())};
  const auto *from = x.const_data_ptr<float>(), *w = weight.const_data_ptr<float>();
  auto *y = made.y.mutable_data_ptr<float>(), *scales = made.scales.mutable_data_ptr<float>();
  at::parallel_for(0, rows, 1 + at::internal::GRAIN_SIZE / width, [&](int64_t begin, int64_t end) {
    normalise(from + begin * width, w, y + begin * width, scales + begin, end - begin, width, eps);
  });
  return made;
}

struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, double eps) {
    auto [y, scales] = normalised(x, weight, eps);
    context->save_for_backward({x, weight, scales});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &scales = saved[2];
    const auto g = gradients[0].contiguous();
    const auto width = weight.numel(), rows = scales.numel(), blocks = (rows + ROWS - 1) / ROWS;
    at::Tensor to_x, parts;
    if (context->needs_input_grad(0)) to_x = at::empty_like(x);
    if (context->needs_input_grad(1)) parts = at::zeros({blocks, width}, x.options());
    const auto *from = x.const_data_ptr<float>(), *w = weight.const_data_ptr<float>(), *each = scales.const_data_ptr<float>(),
               *arriving = g.const_data_ptr<float>();
    auto* x_out = to_x.defined() ? to_x.mutable_data_ptr<float>() : nullptr;
    auto* w_out = parts.defined() ? parts.mutable_data_ptr<float>() : nullptr;
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const auto first = block * ROWS, count = std::min(ROWS, rows - first), at = first * width;
        if (x_out) towards_input(arriving + at, from + at, w, each + first, x_out + at, count, width);
        if (w_out) towards_weight(arriving + at, from + at, each + first, w_out + block * width, count, width);
      }
    });
    return {to_x, parts.defined() ? parts.sum(0) : at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const bool is_ours = x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && x.numel() > 0;
  if (!is_ours) return at::rms_norm(x, weight.sizes(), weight, eps);
  const auto rows = x.contiguous(), w = weight.contiguous();
  const bool differs = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  return differs ? RmsNorm::apply(rows, w, eps) : normalised(rows, w, eps).y;
}

TORCH_LIBRARY_FRAGMENT(grit, library) { library.def("rms_norm(Tensor x, Tensor weight, float eps) -> Tensor", rms_norm); }

}  // namespace grit
