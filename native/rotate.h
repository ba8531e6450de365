// Rotary embedding of x [T, heads, E]: x · cos + x' · signed_sin, x' being x with the halves of each head exchanged; cos and signed_sin
// [T, 1, E]. On a processor, in float32, in one pass; on a GPU, in bfloat16 without a gradient, in one and a copy.
#pragma once
#include <ATen/core/Tensor.h>

namespace grit {
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& signed_sin);
}  // namespace grit
