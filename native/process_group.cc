#include "process_group.h"

#ifndef GRIT_GLOO

namespace grit {
namespace {
[[noreturn]] void refuse() {
  TORCH_CHECK(false, "the libtorch that this library was built against has no torch.distributed with Gloo");
}
}  // namespace
void open_store(const std::string&, uint16_t, bool, const std::string&, std::chrono::milliseconds) { refuse(); }
void store_set(const std::string&, const std::string&) { refuse(); }
std::optional<std::string> store_get(const std::string&, std::chrono::milliseconds) { refuse(); }
void join_group(int, int, bool, bool, std::chrono::milliseconds) { refuse(); }
void leave_group() {}
void all_reduce(at::Tensor&, const std::string&) { refuse(); }
void reduce(at::Tensor&, int) { refuse(); }
void broadcast(at::Tensor&, int) { refuse(); }
}  // namespace grit

#else

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef GRIT_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <cstdlib>

namespace grit {
namespace {

struct Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::Backend> backend;
};

Group& group() {
  static auto* joined = new Group();
  return *joined;
}

c10d::Backend& backend() {
  TORCH_CHECK(group().backend, "this process has joined no group");
  return *group().backend;
}

c10d::Store& store() {
  TORCH_CHECK(group().store, "no store is open");
  return *group().store;
}

c10::intrusive_ptr<c10d::Backend> gloo(int rank, int size, bool local, std::chrono::milliseconds timeout) {
  using Gloo = c10d::ProcessGroupGloo;
  const auto options = Gloo::Options::create(timeout);
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  options->devices.push_back(interface ? Gloo::createDeviceForInterface(interface)
                             : local   ? Gloo::createDeviceForHostname("127.0.0.1")
                                       : Gloo::createDefaultDevice());
  return c10::make_intrusive<Gloo>(group().store, rank, size, options);
}

c10::intrusive_ptr<c10d::Backend> nccl(int rank, int size, std::chrono::milliseconds timeout) {
#ifdef GRIT_NCCL
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(group().store, rank, size, options);
#else
  TORCH_CHECK(false, "the native library was built without NCCL: nccl.h and CUDA's headers were not found beside libtorch. "
              "Install nvidia-nccl, nvidia-cuda-runtime, nvidia-cuda-crt and nvidia-cuda-cccl for its CUDA version and set up again, "
              "or write device: cpu");
#endif
}

}  // namespace

void open_store(const std::string& host, uint16_t port, bool serves, const std::string& prefix, std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = port;
  options.isServer = serves;
  options.waitWorkers = false;
  options.timeout = timeout;
  group().store = c10::make_intrusive<c10d::PrefixStore>(prefix, c10::make_intrusive<c10d::TCPStore>(host, options));
}

void store_set(const std::string& key, const std::string& value) {
  store().set(key, std::vector<uint8_t>(value.begin(), value.end()));
}

std::optional<std::string> store_get(const std::string& key, std::chrono::milliseconds timeout) {
  try {
    store().wait({key}, timeout);
  } catch (const c10::DistStoreError&) {
    return std::nullopt;
  }
  const auto value = store().get(key);
  return std::string(value.begin(), value.end());
}

void join_group(int rank, int size, bool local, bool cuda, std::chrono::milliseconds timeout) {
  group().backend = cuda ? nccl(rank, size, timeout) : gloo(rank, size, local, timeout);
}

void leave_group() { group() = Group(); }

void all_reduce(at::Tensor& tensor, const std::string& how) {
  c10d::AllreduceOptions options;
  options.reduceOp = how == "max" ? c10d::ReduceOp::MAX : c10d::ReduceOp::SUM;
  std::vector<at::Tensor> tensors{tensor};
  backend().allreduce(tensors, options)->wait();
}

void reduce(at::Tensor& tensor, int root) {
  c10d::ReduceOptions options;
  options.rootRank = root;
  std::vector<at::Tensor> tensors{tensor};
  backend().reduce(tensors, options)->wait();
}

void broadcast(at::Tensor& tensor, int root) {
  c10d::BroadcastOptions options;
  options.rootRank = root;
  std::vector<at::Tensor> tensors{tensor};
  backend().broadcast(tensors, options)->wait();
}

}  // namespace grit

#endif
