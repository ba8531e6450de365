// Kernels that a GPU gets at their first use: one pass over some tensors for what libtorch computes operator by operator.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace grit {

// Whether `elementwise` takes this tensor: in bfloat16, which rounds as often as the operators would, and without a gradient.
bool has_jit(const at::Tensor& x);

// The kernel `name` of a source in libtorch's own form for such kernels (a template over the type that it computes in, float32; several
// outputs are references after the inputs), over tensors that broadcast to one shape. `rounded(x)` in it rounds to bfloat16.
std::vector<at::Tensor> elementwise(const std::string& name, const std::string& source, std::vector<at::Tensor> tensors,
                                    int outputs = 1);

}  // namespace grit
