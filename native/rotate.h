// Rotary embedding of x [T, heads, E]: x · cos + x' · signed_sin, x' being x with the halves of each head exchanged; cos and signed_sin
// [T, 1, E], the cosines of both halves alike. In one pass on a processor in float32, and in one and a copy on a GPU in bfloat16.
#pragma once
#include <ATen/core/Tensor.h>

namespace grit {
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& signed_sin);
}  // namespace grit
