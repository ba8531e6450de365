#include "transfers.h"

#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <memory>
#include <unordered_map>

namespace grit {
namespace {

struct Read {
  at::Tensor host;
  std::unique_ptr<c10::Event> arrived;  // none where copying waits anyway
};

std::unordered_map<int64_t, Read>& reads() {
  static auto* under_way = new std::unordered_map<int64_t, Read>();
  return *under_way;
}

}  // namespace

void upload(const at::Tensor& place, const at::Tensor& host) {
  // From memory that can be paged out CUDA copies in its own time, and the host waits.
  if (place.is_cuda()) place.copy_(host.pin_memory(), /*non_blocking=*/true);
  else place.copy_(host);
}

int64_t begin_read(const at::Tensor& tensor) {
  static int64_t count = 0;
  Read read;
  if (tensor.is_cuda()) {
    read.host = at::empty(tensor.sizes(), tensor.options().device(at::kCPU).pinned_memory(true));
    read.host.copy_(tensor.detach(), /*non_blocking=*/true);
    read.arrived = std::make_unique<c10::Event>(c10::DeviceType::CUDA);
    read.arrived->record(c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).getStream(tensor.device()));
  } else {
    read.host = tensor.detach().to(at::kCPU, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true).contiguous();
  }
  reads().emplace(++count, std::move(read));
  return count;
}

at::Tensor end_read(int64_t number) {
  auto node = reads().extract(number);
  TORCH_CHECK(!node.empty(), "there is no read ", number);
  if (node.mapped().arrived) node.mapped().arrived->synchronize();
  return node.mapped().host;
}

void drop_read(int64_t number) { reads().erase(number); }

}  // namespace grit
