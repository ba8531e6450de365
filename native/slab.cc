#include "slab.h"

#include <unordered_set>

namespace grit {
namespace {

template <typename T>
class Slab {
 public:
  explicit Slab(const char* what) : what_(what) {}

  int32_t keep(T value) {
    if (free_.empty()) {
      slots_.push_back(std::move(value));
      return static_cast<int32_t>(slots_.size() - 1);
    }
    const int32_t handle = free_.back();
    free_.pop_back();
    slots_[handle] = std::move(value);
    return handle;
  }

  T& at(int64_t handle) {
    TORCH_CHECK(handle >= 0 && handle < static_cast<int64_t>(slots_.size()) && slots_[handle].defined(), what_, " ",
                handle, " is not live: it was disposed before this use");
    return slots_[handle];
  }

  void drop(int64_t handle) {
    at(handle) = T();
    free_.push_back(static_cast<int32_t>(handle));
  }

  const std::vector<T>& slots() const { return slots_; }

 private:
  const char* what_;
  std::vector<T> slots_;
  std::vector<int32_t> free_;
};

// Never destroyed: at process exit libtorch's own statics may already be gone.
Slab<at::Tensor>& tensors() {
  static auto* slab = new Slab<at::Tensor>("tensor");
  return *slab;
}
Slab<at::Generator>& generators() {
  static auto* slab = new Slab<at::Generator>("generator");
  return *slab;
}

}  // namespace

int32_t keep(at::Tensor tensor) { return tensors().keep(std::move(tensor)); }
at::Tensor& tensor_at(int64_t handle) { return tensors().at(handle); }
void drop(int64_t handle) { tensors().drop(handle); }

Usage usage() {
  Usage total{0, 0};
  std::unordered_set<const void*> seen;
  for (const auto& tensor : tensors().slots()) {
    if (!tensor.defined()) continue;
    total.tensors++;
    if (tensor.has_storage() && seen.insert(tensor.storage().unsafeGetStorageImpl()).second)
      total.bytes += static_cast<int64_t>(tensor.storage().nbytes());
  }
  return total;
}

int32_t keep_generator(at::Generator generator) { return generators().keep(std::move(generator)); }
at::Generator& generator_at(int64_t handle) { return generators().at(handle); }
void drop_generator(int64_t handle) { generators().drop(handle); }

}  // namespace grit
