#include "cpu_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

namespace grit {
namespace {

// What libtorch's vector kernels like; a block's head stands in the cache line before its data.
constexpr size_t ALIGNMENT = 64;
constexpr size_t HUGE_PAGE = 2 << 20;

struct Head {
  size_t size;     // of the block
  size_t counted;  // bytes that were reported for its tensor
};

Head& head_of(void* data) { return *reinterpret_cast<Head*>(static_cast<char*>(data) - ALIGNMENT); }

void* block_of(void* data) { return static_cast<char*>(data) - ALIGNMENT; }

// Tells whoever counts memory (memory.cc), as libtorch's own allocator does: the end of what was counted, and no other.
void report(void* data, int64_t bytes) {
  c10::reportMemoryUsageToProfiler(data, bytes, 0, 0, c10::Device(c10::DeviceType::CPU));
}

// New memory. A large block is taken page by page as it is first touched; where the system has huge pages, 512 times fewer.
void* fresh(size_t bytes) {
  if (bytes < 2 * HUGE_PAGE) return std::aligned_alloc(ALIGNMENT, bytes);
  bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  void* block = std::aligned_alloc(HUGE_PAGE, bytes);
#ifdef MADV_HUGEPAGE
  if (block) madvise(block, bytes, MADV_HUGEPAGE);
#endif
  return block;
}

// Blocks come in eight sizes between powers of two, so that at most an eighth of one is unused.
size_t rounded(size_t bytes) {
  if (bytes <= 8 * ALIGNMENT) return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  size_t step = ALIGNMENT;
  while (16 * step < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes == 0 ? nullptr : take(rounded(bytes));
    if (data) head_of(data).counted = c10::memoryProfilingEnabled() ? bytes : 0;
    if (data && head_of(data).counted) report(data, static_cast<int64_t>(bytes));
    return {data, data, &give, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &give; }

  void copy_data(void* dest, const void* src, std::size_t count) const override { default_copy_data(dest, src, count); }

 private:
  void* take(size_t size) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (void* data = reuse(size)) return data;
    live_ += size;
    peak_ = std::max(peak_, live_);
    // Sizes that are no longer asked for must not pile up.
    if (live_ + cached_ > peak_ + peak_ / 2) release();
    void* block = fresh(size + ALIGNMENT);
    if (!block) {
      release();
      block = fresh(size + ALIGNMENT);
    }
    if (!block) {
      live_ -= size;
      TORCH_CHECK(false, "out of memory: no ", size, " bytes for a tensor on the CPU");
    }
    void* data = static_cast<char*>(block) + ALIGNMENT;
    head_of(data).size = size;
    return data;
  }

  // The smallest kept block that holds so much, if it is not much too large: batches differ a little, and what the one
  // before has touched is there already, where new memory has to be cleared first.
  void* reuse(size_t size) {
    const auto found = free_.lower_bound(size);
    if (found == free_.end() || found->first > size + size / 2) return nullptr;
    auto& blocks = found->second;
    void* data = blocks.back();
    blocks.pop_back();
    cached_ -= found->first;
    live_ += found->first;
    peak_ = std::max(peak_, live_);
    if (blocks.empty()) free_.erase(found);
    return data;
  }

  static void give(void* data);

  void keep(void* data) {
    const size_t counted = head_of(data).counted;
    if (counted && c10::memoryProfilingEnabled()) report(data, -static_cast<int64_t>(counted));
    std::lock_guard<std::mutex> lock(mutex_);
    const size_t size = head_of(data).size;
    free_[size].push_back(data);
    live_ -= size;
    cached_ += size;
  }

  void release() {
    for (auto& [size, blocks] : free_)
      for (void* data : blocks) std::free(block_of(data));
    free_.clear();
    cached_ = 0;
  }

  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;  // none of them empty
  size_t live_ = 0;
  size_t peak_ = 0;  // the most that was ever live
  size_t cached_ = 0;
};

// Never destroyed: tensors may outlive every other object of the process.
CachingAllocator& allocator() {
  static auto* instance = new CachingAllocator();
  return *instance;
}

void CachingAllocator::give(void* data) {
  if (data) allocator().keep(data);
}

}  // namespace

void install_cpu_allocator() { c10::SetCPUAllocator(&allocator(), /*priority=*/1); }

}  // namespace grit
