// The whole native surface of GRIT: any libtorch operator by name, and beside it only what the dispatcher lacks.
// Typed once in src/torch/native.ts. Every function throws a JavaScript Error with libtorch's message, without its
// C++ backtrace.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <dlfcn.h>

#include <cstring>

#include "cpu_allocator.h"
#include "memory.h"
#include "process_group.h"
#include "recorded_work.h"
#include "slab.h"
#include "transfers.h"
#include "values.h"

namespace grit {
namespace {

// Operators already looked up; JavaScript keeps the index.
std::vector<c10::OperatorHandle>& operators() {
  static auto* list = new std::vector<c10::OperatorHandle>();
  return *list;
}

// find("aten::add", "Tensor") -> index
napi_value find(napi_env env, const std::vector<napi_value>& args) {
  operators().push_back(
      c10::Dispatcher::singleton().findSchemaOrThrow(to_string(env, args[0]).c_str(), to_string(env, args[1]).c_str()));
  return from_int(env, static_cast<int64_t>(operators().size()) - 1);
}

// returns(index) -> per result "T" (tensor), "L" (list of tensors) or "V" (plain value)
napi_value returns(napi_env env, const std::vector<napi_value>& args) {
  std::string kinds;
  for (const auto& result : operators().at(to_int(env, args[0])).schema().returns()) {
    const auto& type = *result.real_type();
    if (type.kind() == c10::TypeKind::TensorType) kinds += 'T';
    else if (type.kind() == c10::TypeKind::ListType && type.containedType(0)->kind() == c10::TypeKind::TensorType) kinds += 'L';
    else kinds += 'V';
  }
  return from_string(env, kinds);
}

std::string describe(const c10::FunctionSchema& schema, const torch::jit::Stack& stack) {
  std::ostringstream out;
  out << schema.name();
  if (!schema.overload_name().empty()) out << '.' << schema.overload_name();
  out << '(';
  for (size_t i = 0; i < stack.size(); i++) {
    out << (i ? ", " : "") << schema.arguments()[i].name();
    if (stack[i].isTensor() && stack[i].toTensor().defined())
      out << ' ' << stack[i].toTensor().sizes() << ' ' << stack[i].toTensor().scalar_type();
  }
  out << ')';
  return out.str();
}

torch::jit::Stack arguments_of(napi_env env, const c10::FunctionSchema& schema, const std::vector<napi_value>& args) {
  const auto& wanted = schema.arguments();
  TORCH_CHECK(args.size() - 1 <= wanted.size(), schema.name(), " takes ", wanted.size(), " arguments, got ",
              args.size() - 1);
  torch::jit::Stack stack;
  stack.reserve(wanted.size());
  for (size_t i = 0; i < wanted.size(); i++) {
    const bool given = i + 1 < args.size() && !is_nullish(env, args[i + 1]);
    try {
      if (given) stack.push_back(to_ivalue(env, args[i + 1], *wanted[i].real_type()));
      else if (wanted[i].default_value()) stack.push_back(*wanted[i].default_value());
      else if (wanted[i].real_type()->kind() == c10::TypeKind::OptionalType) stack.emplace_back();
      else TORCH_CHECK(false, "it is missing");
    } catch (const c10::Error& error) {
      TORCH_CHECK(false, schema.name(), ", argument `", wanted[i].name(), "`: ", error.what_without_backtrace());
    }
  }
  return stack;
}

// call(index, arg...) : arguments in schema order; missing or undefined ones take the schema's default
napi_value call(napi_env env, const std::vector<napi_value>& args) {
  const auto& op = operators().at(to_int(env, args[0]));
  torch::jit::Stack stack = arguments_of(env, op.schema(), args);
  const torch::jit::Stack given = stack;  // callBoxed consumes the stack; a message still wants the shapes
  try {
    op.callBoxed(&stack);
  } catch (const c10::Error& error) {
    TORCH_CHECK(false, error.what_without_backtrace(), "\n  in ", describe(op.schema(), given));
  }
  if (auto* recording = open_recording()) recording->called(op, given, stack);
  if (stack.size() == 1) return from_ivalue(env, stack[0]);
  napi_value out;
  check(env, napi_create_array_with_length(env, stack.size(), &out));
  for (uint32_t i = 0; i < stack.size(); i++) check(env, napi_set_element(env, out, i, from_ivalue(env, stack[i])));
  return out;
}

// A recording neither takes values from JavaScript nor gives any: it would do so once and for all.
void not_recorded(const char* what) { TORCH_CHECK(!open_recording(), what, " while work is being recorded"); }

struct Bytes {
  void* data;
  size_t length;
};
Bytes bytes_of(napi_env env, napi_value value) {
  bool is_typed = false;
  check(env, napi_is_typedarray(env, value, &is_typed));
  TORCH_CHECK(is_typed, "expected a typed array");
  napi_typedarray_type type;
  size_t length, offset;
  napi_value buffer;
  Bytes bytes{};
  check(env, napi_get_typedarray_info(env, value, &type, &length, &bytes.data, &buffer, &offset));
  static const size_t width[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};  // in napi_typedarray_type's order
  TORCH_CHECK(static_cast<size_t>(type) < std::size(width), "typed array of an unsupported kind");
  bytes.length = length * width[type];
  return bytes;
}

// fromBytes(typedArray, shape, dtype) -> handle of a new CPU tensor with a copy of the bytes
napi_value from_bytes(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("fromBytes");
  const Bytes bytes = bytes_of(env, args[0]);
  const auto shape = to_ints(env, args[1]);
  auto tensor = at::empty(shape, at::TensorOptions().dtype(static_cast<at::ScalarType>(to_int(env, args[2]))));
  TORCH_CHECK(bytes.length == tensor.nbytes(), "a tensor of shape ", tensor.sizes(), " and type ", tensor.scalar_type(),
              " has ", tensor.nbytes(), " bytes, the array has ", bytes.length);
  if (bytes.length) std::memcpy(tensor.data_ptr(), bytes.data, bytes.length);
  return from_int(env, keep(std::move(tensor)));
}

// intoBytes(handle, typedArray) : copies a tensor's elements, row-major, into an array of exactly its byte length
napi_value into_bytes(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("intoBytes");
  const auto tensor = tensor_at(to_int(env, args[0])).detach().to(at::kCPU).contiguous();
  const Bytes bytes = bytes_of(env, args[1]);
  TORCH_CHECK(bytes.length == tensor.nbytes(), "the tensor has ", tensor.nbytes(), " bytes, the array ", bytes.length);
  if (bytes.length) std::memcpy(bytes.data, tensor.data_ptr(), bytes.length);
  return nullptr;
}

// upload(place, host) : copies without waiting
napi_value upload(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("upload");
  grit::upload(tensor_at(to_int(env, args[0])), tensor_at(to_int(env, args[1])));
  return nullptr;
}

// beginRead(handle) -> number of a read that does not wait; endRead(number, typedArray) : waits for it and copies its values, row-major;
// dropRead(number)
napi_value begin_read(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("beginRead");
  return from_int(env, grit::begin_read(tensor_at(to_int(env, args[0]))));
}

napi_value end_read(napi_env env, const std::vector<napi_value>& args) {
  const auto values = grit::end_read(to_int(env, args[0]));
  const Bytes bytes = bytes_of(env, args[1]);
  TORCH_CHECK(bytes.length == values.nbytes(), "the read has ", values.nbytes(), " bytes, the array ", bytes.length);
  if (bytes.length) std::memcpy(bytes.data, values.data_ptr(), bytes.length);
  return nullptr;
}

napi_value drop_read(napi_env env, const std::vector<napi_value>& args) {
  grit::drop_read(to_int(env, args[0]));
  return nullptr;
}

// Where `bytes` lie in a tensor's memory, `offset` bytes after its first element.
char* place_of(const at::Tensor& tensor, int64_t offset, const Bytes& bytes) {
  TORCH_CHECK(tensor.is_cpu() && tensor.is_contiguous(), "expected a contiguous tensor on the CPU");
  TORCH_CHECK(offset >= 0 && offset + bytes.length <= tensor.nbytes(), "bytes ", offset, " to ", offset + bytes.length,
              " of a tensor that has ", tensor.nbytes());
  return static_cast<char*>(tensor.data_ptr()) + offset;
}

// getBytes(handle, offset, typedArray) : copies some bytes of a contiguous CPU tensor into an array
napi_value get_bytes(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("getBytes");
  const Bytes bytes = bytes_of(env, args[2]);
  const char* place = place_of(tensor_at(to_int(env, args[0])), to_int(env, args[1]), bytes);
  if (bytes.length) std::memcpy(bytes.data, place, bytes.length);
  return nullptr;
}

// putBytes(handle, offset, typedArray) : the other way
napi_value put_bytes(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("putBytes");
  const Bytes bytes = bytes_of(env, args[2]);
  char* place = place_of(tensor_at(to_int(env, args[0])), to_int(env, args[1]), bytes);
  if (bytes.length) std::memcpy(place, bytes.data, bytes.length);
  return nullptr;
}

napi_value dispose(napi_env env, const std::vector<napi_value>& args) {
  drop(to_int(env, args[0]));
  return nullptr;
}

napi_value shape(napi_env env, const std::vector<napi_value>& args) {
  const auto sizes = tensor_at(to_int(env, args[0])).sizes();
  napi_value out;
  check(env, napi_create_array_with_length(env, sizes.size(), &out));
  for (uint32_t i = 0; i < sizes.size(); i++) check(env, napi_set_element(env, out, i, from_int(env, sizes[i])));
  return out;
}

napi_value dtype(napi_env env, const std::vector<napi_value>& args) {
  return from_int(env, static_cast<int64_t>(tensor_at(to_int(env, args[0])).scalar_type()));
}

napi_value device(napi_env env, const std::vector<napi_value>& args) {
  return from_string(env, tensor_at(to_int(env, args[0])).device().str());
}

napi_value item(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("item");
  napi_value out;
  check(env, napi_create_double(env, tensor_at(to_int(env, args[0])).item().toDouble(), &out));
  return out;
}

napi_value requires_grad(napi_env env, const std::vector<napi_value>& args) {
  tensor_at(to_int(env, args[0])).requires_grad_(to_bool(env, args[1]));
  return nullptr;
}

// backward(handle, gradient?) : adds to the gradients of the leaves; a scalar needs no gradient of its own
napi_value backward(napi_env env, const std::vector<napi_value>& args) {
  not_recorded("backward");
  const bool given = args.size() > 1 && !is_nullish(env, args[1]);
  tensor_at(to_int(env, args[0])).backward(given ? tensor_at(to_int(env, args[1])) : at::Tensor());
  return nullptr;
}

// The identity of a value whose gradient goes to a leaf of the same shape, cast to the leaf's type by autograd.
struct StandIn : torch::autograd::Function<StandIn> {
  static at::Tensor forward(torch::autograd::AutogradContext*, const at::Tensor& value, const at::Tensor&) {
    return value.alias();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradients) {
    return {at::Tensor(), gradients[0]};
  }
};

// standIn(value, leaf) -> handle of the value, as if it had been computed from the leaf
napi_value stand_in(napi_env env, const std::vector<napi_value>& args) {
  return from_int(env, keep(StandIn::apply(tensor_at(to_int(env, args[0])), tensor_at(to_int(env, args[1])))));
}

// gradOf(handle) -> handle of the accumulated gradient, or undefined when there is none
napi_value grad_of(napi_env env, const std::vector<napi_value>& args) {
  const auto& grad = tensor_at(to_int(env, args[0])).grad();
  return grad.defined() ? from_int(env, keep(grad)) : nullptr;
}

napi_value clear_grad(napi_env env, const std::vector<napi_value>& args) {
  tensor_at(to_int(env, args[0])).mutable_grad() = at::Tensor();
  return nullptr;
}

// setGradMode(enabled) -> whether it was enabled before
napi_value set_grad_mode(napi_env env, const std::vector<napi_value>& args) {
  napi_value before;
  check(env, napi_get_boolean(env, at::GradMode::is_enabled(), &before));
  at::GradMode::set_enabled(to_bool(env, args[0]));
  return before;
}

// generator(device, seed) -> handle
napi_value generator(napi_env env, const std::vector<napi_value>& args) {
  const c10::Device on(to_string(env, args[0]));
  at::Generator made = on.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>()
                                   : at::globalContext().getAcceleratorHooksInterface(on.type()).getNewGenerator(on.index());
  made.set_current_seed(static_cast<uint64_t>(to_int(env, args[1])));
  return from_int(env, keep_generator(std::move(made)));
}

napi_value generator_state(napi_env env, const std::vector<napi_value>& args) {
  return from_int(env, keep(generator_at(to_int(env, args[0])).get_state()));
}

napi_value set_generator_state(napi_env env, const std::vector<napi_value>& args) {
  generator_at(to_int(env, args[0])).set_state(tensor_at(to_int(env, args[1])));
  return nullptr;
}

napi_value dispose_generator(napi_env env, const std::vector<napi_value>& args) {
  drop_generator(to_int(env, args[0]));
  return nullptr;
}

napi_value threads(napi_env env, const std::vector<napi_value>& args) {
  if (!args.empty() && !is_nullish(env, args[0])) at::set_num_threads(static_cast<int>(to_int(env, args[0])));
  return from_int(env, at::get_num_threads());
}

napi_value cuda_devices(napi_env env, const std::vector<napi_value>&) {
  return from_int(env, at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0);
}

// cudaFault() -> why no GPU can be used here, in libtorch's words; undefined when one can
napi_value cuda_fault(napi_env env, const std::vector<napi_value>&) {
  try {
    at::globalContext().lazyInitDevice(at::kCUDA);
  } catch (const c10::Error& error) {
    return from_string(env, error.what_without_backtrace());
  }
  return nullptr;
}

// chooseCudaKernels(tf32, deterministic)
napi_value choose_cuda_kernels(napi_env env, const std::vector<napi_value>& args) {
  const bool tf32 = to_bool(env, args[0]), deterministic = to_bool(env, args[1]);
  auto& context = at::globalContext();
  // cuDNN's attention makes a plan for every new shape and keeps it, and sequences have a new one at every token.
  context.setSDPUseCuDNN(false);
  context.setAllowTF32CuBLAS(tf32);
  context.setAllowTF32CuDNN(tf32);
  context.setDeterministicCuDNN(deterministic);
  // An operator that has no deterministic kernel warns. New memory need not be filled: nothing reads it before it is written.
  context.setDeterministicAlgorithms(deterministic, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
  return nullptr;
}

// cudaKernels() -> [cuDNN's attention may be used, TF32, deterministic]
napi_value cuda_kernels(napi_env env, const std::vector<napi_value>&) {
  const auto& context = at::globalContext();
  const bool chosen[] = {context.userEnabledCuDNNSDP(), context.allowTF32CuBLAS() || context.allowTF32CuDNN(),
                         context.deterministicAlgorithms()};
  napi_value out;
  check(env, napi_create_array_with_length(env, std::size(chosen), &out));
  for (uint32_t i = 0; i < std::size(chosen); i++) {
    napi_value item;
    check(env, napi_get_boolean(env, chosen[i], &item));
    check(env, napi_set_element(env, out, i, item));
  }
  return out;
}

napi_value live(napi_env env, const std::vector<napi_value>&) {
  const Usage now = usage();
  napi_value out;
  check(env, napi_create_array_with_length(env, 2, &out));
  check(env, napi_set_element(env, out, 0, from_int(env, now.tensors)));
  check(env, napi_set_element(env, out, 1, from_int(env, now.bytes)));
  return out;
}

// meter(on) : starts counting from zero, or stops
napi_value meter(napi_env env, const std::vector<napi_value>& args) {
  if (to_bool(env, args[0])) start_meter();
  else stop_meter();
  return nullptr;
}

// metered() -> [bytes now, bytes at the peak] since the meter was started
napi_value metered(napi_env env, const std::vector<napi_value>&) {
  const Memory memory = read_meter();
  napi_value out;
  check(env, napi_create_array_with_length(env, 2, &out));
  check(env, napi_set_element(env, out, 0, from_int(env, memory.now)));
  check(env, napi_set_element(env, out, 1, from_int(env, memory.peak)));
  return out;
}

// deviceBytes(device) -> what this process may take of an accelerator's memory: what is free, and what its allocator
// holds already, in use or not
napi_value device_bytes(napi_env env, const std::vector<napi_value>& args) {
  const c10::Device on(to_string(env, args[0]));
  // Before its first use a GPU's allocator knows of no device.
  at::globalContext().lazyInitDevice(on.type());
  const c10::DeviceIndex index = on.has_index() ? on.index() : 0;
  auto* allocator = c10::getDeviceAllocator(on.type());
  const size_t free = allocator->getMemoryInfo(index).first;
  const int64_t held = allocator->getDeviceStats(index).reserved_bytes[0].current;
  return from_int(env, static_cast<int64_t>(free) + held);
}

// openStore(host, port, serves, prefix, timeoutMs)
napi_value open_store(napi_env env, const std::vector<napi_value>& args) {
  grit::open_store(to_string(env, args[0]), static_cast<uint16_t>(to_int(env, args[1])), to_bool(env, args[2]),
                   to_string(env, args[3]), std::chrono::milliseconds(to_int(env, args[4])));
  return nullptr;
}

napi_value store_set(napi_env env, const std::vector<napi_value>& args) {
  grit::store_set(to_string(env, args[0]), to_string(env, args[1]));
  return nullptr;
}

// storeGet(key, timeoutMs) -> its value, or undefined when nobody sets it in time
napi_value store_get(napi_env env, const std::vector<napi_value>& args) {
  const auto value = grit::store_get(to_string(env, args[0]), std::chrono::milliseconds(to_int(env, args[1])));
  return value ? from_string(env, *value) : nullptr;
}

// joinGroup(rank, size, local, cuda, timeoutMs)
napi_value join_group(napi_env env, const std::vector<napi_value>& args) {
  grit::join_group(static_cast<int>(to_int(env, args[0])), static_cast<int>(to_int(env, args[1])), to_bool(env, args[2]),
                   to_bool(env, args[3]), std::chrono::milliseconds(to_int(env, args[4])));
  return nullptr;
}

napi_value leave_group(napi_env, const std::vector<napi_value>&) {
  grit::leave_group();
  return nullptr;
}

// allReduce(handle, "sum" | "max"), reduce(handle, root), broadcast(handle, root) : in place, on all processes alike
napi_value all_reduce(napi_env env, const std::vector<napi_value>& args) {
  grit::all_reduce(tensor_at(to_int(env, args[0])), to_string(env, args[1]));
  return nullptr;
}

napi_value reduce(napi_env env, const std::vector<napi_value>& args) {
  grit::reduce(tensor_at(to_int(env, args[0])), static_cast<int>(to_int(env, args[1])));
  return nullptr;
}

napi_value broadcast(napi_env env, const std::vector<napi_value>& args) {
  grit::broadcast(tensor_at(to_int(env, args[0])), static_cast<int>(to_int(env, args[1])));
  return nullptr;
}

// recordsWork(device), beginRecording(device), endRecording(result) -> recording, abandonRecording(), replay(recording) -> handle of the
// result, disposeRecording(recording)
napi_value records_work(napi_env env, const std::vector<napi_value>& args) {
  napi_value out;
  check(env, napi_get_boolean(env, grit::records_work(to_string(env, args[0])), &out));
  return out;
}

napi_value begin_recording(napi_env env, const std::vector<napi_value>& args) {
  grit::begin_recording(to_string(env, args[0]));
  return nullptr;
}

napi_value end_recording(napi_env env, const std::vector<napi_value>& args) {
  return from_int(env, grit::end_recording(tensor_at(to_int(env, args[0]))));
}

napi_value abandon_recording(napi_env, const std::vector<napi_value>&) {
  grit::abandon_recording();
  return nullptr;
}

napi_value replay(napi_env env, const std::vector<napi_value>& args) {
  return from_int(env, keep(grit::replay(to_int(env, args[0]))));
}

napi_value dispose_recording(napi_env env, const std::vector<napi_value>& args) {
  grit::dispose_recording(to_int(env, args[0]));
  return nullptr;
}

// version() -> the libtorch this file was compiled against
napi_value version(napi_env env, const std::vector<napi_value>&) { return from_string(env, TORCH_VERSION); }

// selfTest() : a product and a gradient whose values are known; throws when libtorch computes something else
napi_value self_test(napi_env env, const std::vector<napi_value>&) {
  const auto x = at::arange(6, at::kFloat).reshape({2, 3}).requires_grad_(true);
  const auto y = at::mm(x, x.t()).sum();
  y.backward();
  TORCH_CHECK(y.item<double>() == 83 && x.grad().sum().item<double>() == 60,
              "libtorch loads but computes wrongly: got ", y.item<double>(), " and ", x.grad().sum().item<double>(),
              ", expected 83 and 60");
  return from_string(env, std::string("libtorch ") + TORCH_VERSION + " computes");
}

// A GPU runs kernels after the calls that began them have returned, so its errors come out of later calls.
std::string explained(const std::string& message) {
  if (message.find("CUDA error") == std::string::npos) return message;
  return message +
         "\n  An operator before this one may have caused it. Set CUDA_LAUNCH_BLOCKING=1 and run the same again: then each "
         "operator is waited for, and the one at fault is named.";
}

using Function = napi_value (*)(napi_env, const std::vector<napi_value>&);

// Unwraps the arguments and turns C++ exceptions into JavaScript ones.
template <Function function>
napi_value entry(napi_env env, napi_callback_info info) {
  napi_value stack_args[32];
  size_t count = 32;
  napi_get_cb_info(env, info, &count, stack_args, nullptr, nullptr);
  try {
    return function(env, std::vector<napi_value>(stack_args, stack_args + std::min<size_t>(count, 32)));
  } catch (const c10::Error& error) {
    napi_throw_error(env, nullptr, explained(error.what_without_backtrace()).c_str());
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, explained(error.what()).c_str());
  }
  return nullptr;
}

template <Function function>
void define(napi_env env, napi_value exports, const char* name) {
  napi_value value;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, entry<function>, nullptr, &value));
  check(env, napi_set_named_property(env, exports, name, value));
}

}  // namespace

// Node.js unloads an addon when the worker thread that loaded it ends; libtorch's own threads would then run in code that is gone.
void stay_loaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &self)) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

napi_value init(napi_env env, napi_value exports) {
  grit::install_cpu_allocator();
  define<find>(env, exports, "find");
  define<returns>(env, exports, "returns");
  define<call>(env, exports, "call");
  define<from_bytes>(env, exports, "fromBytes");
  define<into_bytes>(env, exports, "intoBytes");
  define<upload>(env, exports, "upload");
  define<begin_read>(env, exports, "beginRead");
  define<end_read>(env, exports, "endRead");
  define<drop_read>(env, exports, "dropRead");
  define<get_bytes>(env, exports, "getBytes");
  define<put_bytes>(env, exports, "putBytes");
  define<dispose>(env, exports, "dispose");
  define<shape>(env, exports, "shape");
  define<dtype>(env, exports, "dtype");
  define<device>(env, exports, "device");
  define<item>(env, exports, "item");
  define<requires_grad>(env, exports, "requiresGrad");
  define<backward>(env, exports, "backward");
  define<stand_in>(env, exports, "standIn");
  define<grad_of>(env, exports, "gradOf");
  define<clear_grad>(env, exports, "clearGrad");
  define<set_grad_mode>(env, exports, "setGradMode");
  define<generator>(env, exports, "generator");
  define<generator_state>(env, exports, "generatorState");
  define<set_generator_state>(env, exports, "setGeneratorState");
  define<dispose_generator>(env, exports, "disposeGenerator");
  define<threads>(env, exports, "threads");
  define<cuda_devices>(env, exports, "cudaDevices");
  define<cuda_fault>(env, exports, "cudaFault");
  define<choose_cuda_kernels>(env, exports, "chooseCudaKernels");
  define<cuda_kernels>(env, exports, "cudaKernels");
  define<live>(env, exports, "live");
  define<meter>(env, exports, "meter");
  define<metered>(env, exports, "metered");
  define<device_bytes>(env, exports, "deviceBytes");
  define<records_work>(env, exports, "recordsWork");
  define<begin_recording>(env, exports, "beginRecording");
  define<end_recording>(env, exports, "endRecording");
  define<abandon_recording>(env, exports, "abandonRecording");
  define<replay>(env, exports, "replay");
  define<dispose_recording>(env, exports, "disposeRecording");
  define<open_store>(env, exports, "openStore");
  define<store_set>(env, exports, "storeSet");
  define<store_get>(env, exports, "storeGet");
  define<join_group>(env, exports, "joinGroup");
  define<leave_group>(env, exports, "leaveGroup");
  define<all_reduce>(env, exports, "allReduce");
  define<reduce>(env, exports, "reduce");
  define<broadcast>(env, exports, "broadcast");
  define<version>(env, exports, "version");
  define<self_test>(env, exports, "selfTest");
  stay_loaded();
  return exports;
}

}  // namespace grit

NAPI_MODULE(grit, grit::init)
