// The mirror's memory is the host's, at addresses that the host cannot read. The kernels of the CPU compute on views: the
// same tensors as the CPU sees them.
#pragma once
#include <ATen/ATen.h>

#include <utility>
#include <vector>

namespace mirror {

constexpr auto MIRROR = c10::DeviceType::PrivateUse1;

// A host address as the mirror's, and back. Whoever reads the mirror's memory without asking the mirror crashes, as with
// a GPU's: no address of the host has this bit.
void* mirrored(void* host);
void* unmirrored(void* mirror);

// The tensors of one operator call, from both sides.
class Views {
 public:
  // The CPU's view of a mirror tensor; other tensors as they are.
  at::Tensor to_cpu(const at::Tensor& tensor);

  // The mirror tensor of what a CPU kernel gave back: an argument, a view of one, or something new.
  at::Tensor to_mirror(const at::Tensor& result, c10::Device device);

  // Carries over what a kernel changed of its arguments beside their elements: memory grown by a resize, and shapes.
  void settle();

 private:
  std::vector<std::pair<c10::Storage, c10::Storage>> storages_;  // of the mirror, of the CPU
  std::vector<std::pair<at::Tensor, at::Tensor>> tensors_;
};

}  // namespace mirror
