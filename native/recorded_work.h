// Work that is recorded once and then repeated by one call: a GPU records it as a CUDA graph, a processor as the list of its operators.
// Tensors of before are the same at every repetition, and what they hold then is what counts; all others are made anew.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <cstdint>
#include <string>

namespace grit {

// A recording, first open, then ended; one may also be thrown away.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  // An operator was called: what it was given, and its results.
  virtual void called(const c10::OperatorHandle& op, torch::jit::Stack given, const torch::jit::Stack& results) = 0;
  virtual void end(const at::Tensor& result) = 0;
  // The result, valid until the next call.
  virtual at::Tensor replay() = 0;
};

// Whether work on this device can be recorded.
bool records_work(const std::string& device);
// What is asked of the device by this thread from now on is recorded.
void begin_recording(const std::string& device);
// The recording that is open in this thread, or null.
RecordedWork* open_recording();
// Ends the recording, whose result is given -> its handle.
int64_t end_recording(const at::Tensor& result);
// Ends the recording and throws it away; does nothing when there is none.
void abandon_recording();
at::Tensor replay(int64_t handle);
void dispose_recording(int64_t handle);

}  // namespace grit
