#include "device.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstring>
#include <mutex>

#include "views.h"

namespace mirror {
namespace {

constexpr c10::DeviceIndex DEVICES = 2;
constexpr size_t MEMORY = size_t{8} << 30;

thread_local c10::DeviceIndex current = 0;

struct Generator final : c10::GeneratorImpl {
  at::Generator cpu;

  Generator(c10::DeviceIndex index, at::Generator made)
      : GeneratorImpl({MIRROR, index}, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1)), cpu(std::move(made)) {}
  void set_current_seed(uint64_t seed) override { cpu.set_current_seed(seed); }
  void set_offset(uint64_t offset) override { cpu.set_offset(offset); }
  uint64_t get_offset() const override { return cpu.get_offset(); }
  uint64_t current_seed() const override { return cpu.current_seed(); }
  uint64_t seed() override { return cpu.seed(); }
  void set_state(const c10::TensorImpl& state) override { cpu.unsafeGetGeneratorImpl()->set_state(state); }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { return cpu.unsafeGetGeneratorImpl()->get_state(); }
  GeneratorImpl* clone_impl() const override { return new Generator(device_.index(), cpu.clone()); }
};

at::Generator make_generator(c10::DeviceIndex index) {
  return at::Generator(c10::make_intrusive<Generator>(index, at::make_generator<at::CPUGeneratorImpl>()));
}

// Everything has happened by the time a call returns, so streams and events have nothing to wait for.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return MIRROR; }
  c10::Device exchangeDevice(c10::Device device) const override {
    return {MIRROR, std::exchange(current, device.index())};
  }
  c10::Device getDevice() const override { return {MIRROR, current}; }
  void setDevice(c10::Device device) const override { current = device.index(); }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index(); }
  c10::DeviceIndex deviceCount() const noexcept override { return DEVICES; }
  c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return getStream(stream.device()); }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
  void synchronizeDevice(const c10::DeviceIndex) const override {}
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void synchronizeEvent(void*) const override {}
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return DEVICES; }
  void setCurrentDevice(c10::DeviceIndex index) const override { current = index; }
  c10::DeviceIndex getCurrentDevice() const override { return current; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex index) const override { return std::exchange(current, index); }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex index) const override { return exchangeDevice(index); }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex index) const override {
    static const at::Generator made[DEVICES] = {make_generator(0), make_generator(1)};
    return made[index < 0 ? current : index];
  }
  at::Generator getNewGenerator(c10::DeviceIndex index) const override {
    return make_generator(index < 0 ? current : index);
  }
};

// Takes its memory from the CPU's allocator, which reports to whoever counts (native/memory.cc).
struct Memory final : c10::DeviceAllocator {
  c10::DataPtr allocate(size_t bytes) override {
    auto host = c10::GetAllocator(at::kCPU)->allocate(bytes);
    void* data = mirrored(host.get());
    const auto drop = [](void* kept) { delete static_cast<c10::DataPtr*>(kept); };
    return {data, new c10::DataPtr(std::move(host)), drop, current_device()};
  }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    std::memcpy(unmirrored(to), unmirrored(const_cast<void*>(from)), count);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override { return {}; }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex) override { return {MEMORY, MEMORY}; }
};

}  // namespace

c10::Device current_device() { return {MIRROR, current}; }

at::Generator cpu_generator(const at::Generator& generator) {
  return static_cast<Generator*>(generator.unsafeGetGeneratorImpl())->cpu;
}

void register_device() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Never destroyed: tensors may outlive every other object of the process.
    c10::register_privateuse1_backend("mirror");
    c10::SetAllocator(MIRROR, new Memory());
    static c10::impl::DeviceGuardImplRegistrar guard(MIRROR, new Guard());
    at::RegisterPrivateUse1HooksInterface(new Hooks());
  });
}

}  // namespace mirror
