#include "recorded_work.h"

#include <ATen/core/List.h>

#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cuda_graph.h"

namespace grit {
namespace {

using torch::jit::Stack;

// Where a tensor stands among arguments or results; `item` counts in a list, and is -1 where there is none.
struct Place {
  size_t value;
  int64_t item;
  size_t made;  // which of those that the work makes
};

// All tensors of a stack: visit(tensor, value, item).
template <typename F>
void each_tensor(const Stack& stack, F&& visit) {
  for (size_t i = 0; i < stack.size(); i++) {
    if (stack[i].isTensor()) {
      visit(stack[i].toTensor(), i, -1);
    } else if (stack[i].isList()) {
      const auto items = stack[i].toListRef();
      for (size_t j = 0; j < items.size(); j++)
        if (items[j].isTensor()) visit(items[j].toTensor(), i, static_cast<int64_t>(j));
    }
  }
}

const at::Tensor& tensor_of(const Stack& stack, const Place& place) {
  const auto& value = stack[place.value];
  return place.item < 0 ? value.toTensor() : value.toListRef()[place.item].toTensor();
}

// The operators of some work in their order. The way here from JavaScript, most of a small one's time, is gone.
class Calls final : public RecordedWork {
 public:
  void called(const c10::OperatorHandle& op, Stack given, const Stack& results) override {
    Call call{op, std::move(given), {}, {}, {}};
    each_tensor(call.given, [&](const at::Tensor& tensor, size_t value, int64_t item) {
      if (!tensor.defined()) return;
      const auto found = made_.find(tensor.unsafeGetTensorImpl());
      if (found != made_.end()) call.takes.push_back({value, item, found->second});
      else before_.insert(tensor.unsafeGetTensorImpl());
    });
    // The recording's own tensors go as soon as they would have gone: each is made anew.
    for (const auto& place : call.takes) put(call.given, place, at::Tensor());
    for (const auto& result : results)
      TORCH_CHECK(result.isTensor() || result.isTensorList(), op.schema().name(), " gives a value while work is being recorded");
    each_tensor(results, [&](const at::Tensor& tensor, size_t value, int64_t item) {
      // What writes in place gives back what it was given.
      if (!tensor.defined() || before_.count(tensor.unsafeGetTensorImpl())) return;
      const auto [found, is_new] = made_.try_emplace(tensor.unsafeGetTensorImpl(), seen_.size());
      if (is_new) seen_.emplace_back(tensor.getIntrusivePtr());
      call.gives.push_back({value, item, found->second});
    });
    calls_.push_back(std::move(call));
  }

  void end(const at::Tensor& result) override {
    const auto found = made_.find(result.unsafeGetTensorImpl());
    if (found == made_.end()) kept_ = result;
    else result_ = found->second;
    // The last to take a tensor is the last to need it.
    std::vector<bool> is_needed(seen_.size());
    if (result_) is_needed[*result_] = true;
    for (auto call = calls_.rbegin(); call != calls_.rend(); ++call) {
      for (const auto* places : {&call->takes, &call->gives})
        for (const auto& place : *places) {
          if (is_needed[place.made]) continue;
          is_needed[place.made] = true;
          call->frees.push_back(place.made);
        }
    }
    done_ = result;
    alive_.resize(seen_.size());
    made_.clear();
    before_.clear();
    seen_.clear();
  }

  at::Tensor replay() override {
    // Recording it was doing it.
    if (done_.defined()) return std::exchange(done_, at::Tensor());
    for (const auto& call : calls_) {
      Stack stack = call.given;
      for (const auto& place : call.takes) put(stack, place, alive_[place.made]);
      call.op.callBoxed(&stack);
      for (const auto& place : call.gives) alive_[place.made] = tensor_of(stack, place);
      for (const size_t made : call.frees) alive_[made] = at::Tensor();
    }
    return result_ ? std::exchange(alive_[*result_], at::Tensor()) : kept_;
  }

 private:
  struct Call {
    c10::OperatorHandle op;
    Stack given;
    std::vector<Place> takes;
    std::vector<Place> gives;
    std::vector<size_t> frees;
  };

  // Lists are shared by those who hold them, and each repetition has its own.
  static void put(Stack& stack, const Place& place, const at::Tensor& tensor) {
    auto& value = stack[place.value];
    if (place.item < 0) {
      value = tensor;
    } else if (value.isTensorList()) {
      auto list = value.toTensorList().copy();
      list.set(place.item, tensor);
      value = list;
    } else {
      auto list = value.toOptionalTensorList().copy();
      list.set(place.item, tensor);
      value = list;
    }
  }

  std::vector<Call> calls_;
  // While it records: which of those that are made a tensor is, and what was there before. A weak reference holds no values, but sees
  // to it that no other tensor comes to the same address.
  std::unordered_map<const c10::TensorImpl*, size_t> made_;
  std::unordered_set<const c10::TensorImpl*> before_;
  std::vector<c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>> seen_;
  // While it is repeated: what is made, as long as it is needed.
  std::vector<at::Tensor> alive_;
  // The result: one of those that are made, or one of before.
  std::optional<size_t> result_;
  at::Tensor kept_;
  at::Tensor done_;
};

// Each thread has its own.
struct Recordings {
  std::unique_ptr<RecordedWork> open;
  std::unordered_map<int64_t, std::unique_ptr<RecordedWork>> ended;
  int64_t next = 0;
};

Recordings& recordings() {
  thread_local auto* all = new Recordings();
  return *all;
}

}  // namespace

bool records_work(const std::string& device) {
  const c10::Device where(device);
  return where.is_cpu() || (where.is_cuda() && records_cuda_graphs());
}

void begin_recording(const std::string& device) {
  auto& open = recordings().open;
  TORCH_CHECK(!open, "work is being recorded already");
  const c10::Device where(device);
  if (where.is_cuda()) open = begin_cuda_graph(where);
  else open = std::make_unique<Calls>();
}

RecordedWork* open_recording() { return recordings().open.get(); }

int64_t end_recording(const at::Tensor& result) {
  auto& all = recordings();
  TORCH_CHECK(all.open, "nothing is being recorded");
  auto ended = std::move(all.open);
  ended->end(result);
  all.ended.emplace(all.next, std::move(ended));
  return all.next++;
}

void abandon_recording() { recordings().open.reset(); }

at::Tensor replay(int64_t handle) { return recordings().ended.at(handle)->replay(); }

void dispose_recording(int64_t handle) { recordings().ended.erase(handle); }

}  // namespace grit
