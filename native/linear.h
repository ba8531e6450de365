// x Wᵀ + b. On a processor, in float32, by oneDNN, which uses instructions that MKL leaves idle on AMD's.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

namespace grit {
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias);
// A weight as oneDNN reads it fastest, for `linear` without gradients alone; as it is where oneDNN does not compute.
at::Tensor pack(const at::Tensor& weight);
}  // namespace grit
