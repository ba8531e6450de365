// Copies between host and device that do not wait for what a GPU is doing.
#pragma once
#include <ATen/core/Tensor.h>

namespace grit {

void upload(const at::Tensor& place, const at::Tensor& host);  // values of a tensor on the host into one on a device

// A read: a GPU copies a tensor's values when it has computed them, while it is already asked for other work.
int64_t begin_read(const at::Tensor& tensor);  // -> number of the read; the tensor may change or go right after
at::Tensor end_read(int64_t read);  // waits; the values on the host, row-major. Once
void drop_read(int64_t read);

}  // namespace grit
