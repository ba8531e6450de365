#!/usr/bin/env bash
# Builds the native library against the libtorch of this machine's Python and measures what its card does. Needs no network:
# build/gpu comes from pack.mjs. Options go to bench.ts, e.g. --device cpu --small.
set -euo pipefail
cd "$(dirname "$0")/../.."
packed=build/gpu
[ -e $packed/node ] || xz --decompress --keep $packed/node.xz
chmod +x $packed/node

torch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
g++ -std=c++17 -O1 -shared -fPIC -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include" -isystem $packed/include \
  bench/gpu/profiler.cc -o $packed/profiler.node -L"$torch/lib" -lc10 -ltorch_cpu -Wl,-rpath,"$torch/lib" &
profiler=$!
cmake -S native -B $packed/native -DCMAKE_BUILD_TYPE=Release -DTORCH_DIR="$torch" -DNODE_API_INCLUDE="$PWD/$packed/include" >$packed/cmake.log
cmake --build $packed/native --parallel >>$packed/cmake.log
mkdir -p build/native
wait $profiler
cp $packed/native/grit.node build/native/grit.node

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || true
# Weights are written and read again: memory is faster than most disks.
[ -d /dev/shm ] && export TMPDIR=/dev/shm
exec $packed/node --enable-source-maps $packed/bench.mjs "$@"
