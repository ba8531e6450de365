// Kernels that a GPU gets at their first use: one pass over some tensors for what libtorch computes operator by operator, to the same bits.
#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace grit {

// Whether `elementwise` takes this tensor: one of halves, bfloat16, on a GPU.
bool has_jit(const at::Tensor& x);

// The kernel `name` of a source in libtorch's own form for such kernels: a template over the type that it computes in, float32, whose
// outputs, where they are several, are references after the inputs. Tensors broadcast to one shape; outputs have the widest type of the
// inputs. In the source `times(a, b)` and `plus(a, b)` round as operators on tensors of that type do.
std::vector<at::Tensor> elementwise(const std::string& name, const std::string& source, const std::vector<at::Tensor>& tensors,
                                    int outputs = 1);

}  // namespace grit
