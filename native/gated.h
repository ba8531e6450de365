// silu(gate) · up, whose gradient keeps gate and up alone. Each in one pass on a processor in float32, and on a GPU in bfloat16.
#pragma once
#include <ATen/core/Tensor.h>

namespace grit {
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up);
}  // namespace grit
