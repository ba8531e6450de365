// What PyTorch asks of a device: which there are, their memory, their random generators.
#pragma once
#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

namespace mirror {

// Makes "mirror:0" and "mirror:1" known to PyTorch, once: every thread of JavaScript that loads the library asks for it.
void register_device();

// The device that a string without a number means.
c10::Device current_device();

// The CPU's generator inside one of the mirror's, for the CPU's kernels.
at::Generator cpu_generator(const at::Generator& generator);

}  // namespace mirror
