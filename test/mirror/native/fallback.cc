#include "fallback.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <mutex>

#include "device.h"
#include "views.h"

namespace mirror {
namespace {

Rules& rules() {
  static auto* current = new Rules();
  return *current;
}

// Autograd calls operators from a thread of its own.
std::mutex& traffic_lock() {
  static auto* lock = new std::mutex();
  return *lock;
}
Traffic& counted() {
  static auto* current = new Traffic();
  return *current;
}
void count_upload() {
  std::lock_guard<std::mutex> lock(traffic_lock());
  counted().uploads++;
}
void count_read() {
  std::lock_guard<std::mutex> lock(traffic_lock());
  counted().reads++;
}

template <typename Visit>
void each_tensor(const c10::IValue& value, Visit&& visit) {
  if (value.isTensor()) visit(value.toTensor());
  else if (value.isTensorList())
    for (const at::Tensor& tensor : value.toTensorList()) visit(tensor);
  else if (value.isOptionalTensorList())
    for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorList())
      if (tensor) visit(*tensor);
}

template <typename Change>
c10::IValue with_tensors(const c10::IValue& value, Change&& change) {
  if (value.isTensor()) return change(value.toTensor());
  if (value.isTensorList()) {
    c10::List<at::Tensor> out;
    for (const at::Tensor& tensor : value.toTensorList()) out.push_back(change(tensor));
    return out;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> out;
    for (const std::optional<at::Tensor>& tensor : value.toOptionalTensorList())
      out.push_back(tensor ? std::optional<at::Tensor>(change(*tensor)) : std::nullopt);
    return out;
  }
  return value;
}

using Arguments = std::vector<c10::IValue>;

// The first mirror device among the arguments: where the operator runs.
std::optional<c10::Device> device_of(const Arguments& arguments) {
  std::optional<c10::Device> found;
  for (const auto& argument : arguments) {
    each_tensor(argument, [&](const at::Tensor& tensor) {
      if (!found && tensor.defined() && tensor.device().type() == MIRROR) found = tensor.device();
    });
    if (!found && argument.isDevice() && argument.toDevice().type() == MIRROR)
      found = argument.toDevice().has_index() ? argument.toDevice() : current_device();
  }
  return found;
}

// CUDA's index kernels bring their indices over by themselves.
bool moves_indices(const std::string& name) {
  static const std::set<std::string> names{"index.Tensor", "index.Tensor_out", "index_put", "index_put_",
                                           "_index_put_impl_"};
  return names.count(name) > 0;
}

// What CUDA would refuse: tensors or generators of another device, and what it has no kernel for. A number on the CPU, a
// tensor without dimensions, may stand beside tensors of the GPU in elementwise operators.
void check(const std::string& name, const c10::FunctionSchema& schema, const Arguments& arguments, c10::Device device) {
  TORCH_CHECK(!rules().host_only.count(name), "mirror: CUDA has no kernel for ", name);
  for (size_t i = 0; i < arguments.size(); i++) {
    const std::string& argument = schema.arguments()[i].name();
    each_tensor(arguments[i], [&](const at::Tensor& tensor) {
      if (!tensor.defined() || tensor.device() == device) return;
      if (tensor.is_cpu() && tensor.dim() == 0 && rules().unchecked.count(name)) return;
      if (tensor.is_cpu() && argument == "indices" && moves_indices(name)) return;
      TORCH_CHECK(false, "mirror: ", name, " got tensors of two devices: `", argument, "` is on ", tensor.device(),
                  ", another one on ", device);
    });
    if (arguments[i].isGenerator() && arguments[i].toGenerator().defined())
      TORCH_CHECK(arguments[i].toGenerator().device() == device, "mirror: ", name, " on ", device,
                  " got a generator of ", arguments[i].toGenerator().device());
  }
}

bool reads_values(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::data_dependent_output) || op.hasTag(at::Tag::dynamic_output_shape);
}

// Any operator without a kernel of the mirror's own.
void fallback(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  const std::string base = schema.name().substr(schema.name().find("::") + 2);
  const std::string name = schema.overload_name().empty() ? base : base + "." + schema.overload_name();
  const size_t count = schema.arguments().size();
  const Arguments arguments = torch::jit::last(*stack, count).vec();
  const auto device = device_of(arguments);
  TORCH_CHECK(device, "mirror: ", name, " came without a tensor or a device of the mirror's");
  check(name, schema, arguments, *device);
  enter(name);
  if (reads_values(op)) count_read();

  at::AutoDispatchBelowADInplaceOrView below;
  Views views;
  torch::jit::Stack inner;
  inner.reserve(count);
  for (const auto& argument : arguments) {
    if (argument.isDevice()) inner.emplace_back(c10::Device(at::kCPU));
    else if (argument.isGenerator() && argument.toGenerator().defined())
      inner.emplace_back(cpu_generator(argument.toGenerator()));
    else inner.push_back(with_tensors(argument, [&](const at::Tensor& tensor) { return views.to_cpu(tensor); }));
  }
  op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), &inner);
  views.settle();
  torch::jit::drop(*stack, count);
  for (const auto& result : inner)
    stack->push_back(with_tensors(result, [&](const at::Tensor& tensor) { return views.to_mirror(tensor, *device); }));
}

// The one operator whose tensors may lie on two devices.
at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  enter("_copy_from");
  if (from.is_cpu()) count_upload();
  if (to.is_cpu()) count_read();
  at::AutoDispatchBelowADInplaceOrView below;
  Views views;
  views.to_cpu(to).copy_(views.to_cpu(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  at::AutoDispatchBelowADInplaceOrView below;
  to.resize_(from.sizes());
  return copy_from(from, to, false);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) { library.fallback(torch::CppFunction::makeFromBoxedFunction<&fallback>()); }
TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_from_and_resize);
}

}  // namespace

void set_rules(Rules given) {
  static std::once_flag once;
  std::call_once(once, [&] { rules() = std::move(given); });
}

Traffic traffic() {
  std::lock_guard<std::mutex> lock(traffic_lock());
  return counted();
}

void enter(const std::string& name) {
  std::lock_guard<std::mutex> lock(traffic_lock());
  counted().operators.insert(name);
}

}  // namespace mirror
