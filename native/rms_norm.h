// x / sqrt(mean(x²) + eps) · weight over the last dimension. On a processor, in float32, in one pass over a row.
#pragma once
#include <ATen/core/Tensor.h>

namespace grit {
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);
}  // namespace grit
