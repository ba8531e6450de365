// silu(gate) · up. On a GPU, in bfloat16, in one pass, its gradient in one more, for which only gate and up are kept.
#pragma once
#include <ATen/core/Tensor.h>

namespace grit {
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up);
}  // namespace grit
