#include "views.h"

#include <algorithm>

namespace mirror {
namespace {

// Set in no user address of x86-64 and AArch64, and not ignored by either.
constexpr uintptr_t AWAY = uintptr_t{1} << 55;

// A storage of `device` over the memory of another one, which it keeps alive.
c10::DataPtr memory_of(const c10::Storage& storage, c10::Device device) {
  void* data = const_cast<void*>(storage.data());
  const auto drop = [](void* kept) { delete static_cast<c10::Storage*>(kept); };
  return {device.is_cpu() ? unmirrored(data) : mirrored(data), new c10::Storage(storage), drop, device};
}

c10::Storage storage_over(const c10::Storage& storage, c10::Device device) {
  return c10::Storage(c10::Storage::use_byte_size_t(), storage.nbytes(), memory_of(storage, device),
                      c10::GetAllocator(device.type()), /*resizable=*/true);
}

at::Tensor tensor_over(c10::Storage storage, const at::Tensor& like, c10::DispatchKey key) {
  auto made = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), like.dtype());
  made.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
  return made;
}

bool same(const c10::Storage& a, const c10::Storage& b) {
  return a.unsafeGetStorageImpl() == b.unsafeGetStorageImpl();
}

bool same_layout(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.strides() == b.strides() && a.storage_offset() == b.storage_offset();
}

}  // namespace

void* mirrored(void* host) { return host ? reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(host) | AWAY) : nullptr; }

void* unmirrored(void* mirror) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(mirror) & ~AWAY);
}

at::Tensor Views::to_cpu(const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.device().type() != MIRROR) return tensor;
  for (const auto& [ours, theirs] : tensors_)
    if (ours.is_same(tensor)) return theirs;
  TORCH_CHECK(tensor.layout() == at::kStrided && !tensor.is_conj() && !tensor.is_neg(),
              "the mirror has strided tensors only");
  auto known = std::find_if(storages_.begin(), storages_.end(),
                            [&](const auto& pair) { return same(pair.first, tensor.storage()); });
  if (known == storages_.end()) {
    storages_.emplace_back(tensor.storage(), storage_over(tensor.storage(), at::kCPU));
    known = std::prev(storages_.end());
  }
  tensors_.emplace_back(tensor, tensor_over(known->second, tensor, c10::DispatchKey::CPU));
  return tensors_.back().second;
}

at::Tensor Views::to_mirror(const at::Tensor& result, c10::Device device) {
  if (!result.defined() || !result.is_cpu()) return result;
  for (const auto& [ours, theirs] : tensors_)
    if (theirs.is_same(result)) return ours;
  for (const auto& [ours, theirs] : storages_)
    if (same(theirs, result.storage())) return tensor_over(ours, result, c10::DispatchKey::PrivateUse1);
  return tensor_over(storage_over(result.storage(), device), result, c10::DispatchKey::PrivateUse1);
}

void Views::settle() {
  for (auto& [ours, theirs] : storages_) {
    if (unmirrored(const_cast<void*>(ours.data())) == theirs.data() && ours.nbytes() == theirs.nbytes()) continue;
    ours.unsafeGetStorageImpl()->set_nbytes(theirs.nbytes());
    ours.set_data_ptr(memory_of(theirs, ours.device()));
  }
  for (auto& [ours, theirs] : tensors_)
    if (!same_layout(ours, theirs))
      ours.unsafeGetTensorImpl()->set_sizes_and_strides(theirs.sizes(), theirs.strides(), theirs.storage_offset());
}

}  // namespace mirror
