#include "memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <atomic>

namespace grit {
namespace {

// The hook that PyTorch's profiler uses: autograd hands it on to the threads that run a backward pass.
class Meter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    const int64_t now = now_.fetch_add(size) + size;
    int64_t peak = peak_.load();
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
  }
  bool memoryProfilingEnabled() const override { return true; }
  Memory read() const { return {now_.load(), peak_.load()}; }

 private:
  std::atomic<int64_t> now_{0};
  std::atomic<int64_t> peak_{0};
};

std::shared_ptr<Meter>& meter() {
  static auto* current = new std::shared_ptr<Meter>();
  return *current;
}

}  // namespace

void start_meter() {
  stop_meter();
  meter() = std::make_shared<Meter>();
  c10::ThreadLocalDebugInfo::_push(c10::DebugInfoKind::PROFILER_STATE, meter());
}

Memory read_meter() { return meter() ? meter()->read() : Memory{0, 0}; }

void stop_meter() {
  if (!meter()) return;
  c10::ThreadLocalDebugInfo::_pop(c10::DebugInfoKind::PROFILER_STATE);
  meter().reset();
}

}  // namespace grit
