// Reads that do not wait: a GPU copies a tensor's values when it has computed them, while it is already asked for other work.
#pragma once
#include <ATen/core/Tensor.h>

namespace grit {
int64_t begin_read(const at::Tensor& tensor);  // -> number of the read; the tensor may change or go right after
at::Tensor end_read(int64_t read);  // waits; the values on the host, row-major. Once
}  // namespace grit
