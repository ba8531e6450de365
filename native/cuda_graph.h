// Work on a GPU that is recorded once and then begun by one call, as a CUDA graph. Without CUDA's headers there is none.
#pragma once
#include <cstdint>
#include <string>

namespace grit {

// Whether work on this device can be recorded.
bool records_graphs(const std::string& device);
// What is asked of the device from now on is recorded, not done; on a stream of its own, as CUDA wants it.
void begin_graph(const std::string& device);
// Ends the recording -> its handle.
int64_t end_graph();
// Ends the recording and throws it away; does nothing when there is none.
void abandon_graph();
void replay_graph(int64_t handle);
void dispose_graph(int64_t handle);

}  // namespace grit
