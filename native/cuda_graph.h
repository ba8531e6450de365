// Work on a GPU as a CUDA graph. Without CUDA's headers there is none.
#pragma once
#include <memory>

#include "recorded_work.h"

namespace grit {

bool records_cuda_graphs();
// Records on a stream of its own, as CUDA wants it; what is recorded is not done yet.
std::unique_ptr<RecordedWork> begin_cuda_graph(c10::Device device);

}  // namespace grit
