// Tensors and generators live here; JavaScript holds integers. A freed slot is reused, so the JavaScript side must
// forget an integer when it frees it (src/torch/tensor.ts does, and names the tensor when it is used again).
#pragma once
#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace grit {

int32_t keep(at::Tensor tensor);
at::Tensor& tensor_at(int64_t handle);  // throws when the handle is not live
void drop(int64_t handle);

struct Usage {
  int64_t tensors;
  int64_t bytes;  // of distinct storages
};
Usage usage();

int32_t keep_generator(at::Generator generator);
at::Generator& generator_at(int64_t handle);
void drop_generator(int64_t handle);

}  // namespace grit
