// Marks a function whose loops are compiled for several instruction sets, of which the loader takes the widest that the processor has.
#pragma once

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define GRIT_WIDE __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define GRIT_WIDE
#endif
