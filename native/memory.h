// What libtorch holds, counted by its allocators on every device: also what only autograd keeps, and what an operator
// needs while it runs. The slab sees neither.
#pragma once
#include <cstdint>

namespace grit {

struct Memory {
  int64_t now;  // bytes allocated since the meter was started, less those freed
  int64_t peak;  // the most that `now` has been
};

void start_meter();  // from zero; memory that was there before is not seen, nor is its end
Memory read_meter();
void stop_meter();

}  // namespace grit
