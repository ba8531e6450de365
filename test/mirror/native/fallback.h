// Operators of the mirror: the CPU's kernels, behind the refusals of a GPU.
#pragma once
#include <c10/core/Device.h>

#include <cstdint>
#include <set>
#include <string>

namespace mirror {

// What PyTorch's table of operators says of CUDA, by `name.overload`.
struct Rules {
  std::set<std::string> unchecked;  // no check that all tensors are on one device: TensorIterator makes its own
  std::set<std::string> host_only;  // a kernel for the CPU and none for CUDA
};
void set_rules(Rules rules);  // once: the first ones stay

// What went through the mirror since the process began.
struct Traffic {
  std::set<std::string> operators;
  int64_t uploads;  // copies from the host
  int64_t reads;    // copies to the host, and operators whose result depends on values: each makes the host wait
};
Traffic traffic();
void enter(const std::string& name);

}  // namespace mirror
