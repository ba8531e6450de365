#pragma once

namespace grit {

// Makes libtorch keep freed CPU memory and give it out again. Every step of training has tensors of other sizes, and
// glibc either gives large blocks back to the system, to be faulted in anew page by page, or, told to keep them, searches
// ever longer among odd-sized holes: a step of 1.4 s took 2.1 s after 350. Called once, before any tensor is made.
void install_cpu_allocator();

}  // namespace grit
