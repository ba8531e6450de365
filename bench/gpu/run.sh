#!/usr/bin/env bash
# Builds the native library against the libtorch of this machine's Python and measures what its card does. Needs no network:
# build/gpu comes from pack.mjs. Options go to bench.ts, e.g. --device cpu --small.
set -euo pipefail
cd "$(dirname "$0")/../.."
packed=build/gpu
[ -e $packed/node ] || xz --decompress --keep $packed/node.xz
chmod +x $packed/node

torch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
mkdir -p build/native
libraries=(-lc10 -ltorch_cpu -ltorch)
[ -e "$torch/lib/libtorch_cuda.so" ] && libraries+=(-lc10_cuda -ltorch_cuda)
pids=()
for source in native/*.cc; do
  g++ -std=c++17 -O2 -fPIC -fvisibility=hidden -DNAPI_VERSION=8 -DNODE_GYP_MODULE_NAME=grit \
    -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include" -isystem $packed/include \
    -c "$source" -o "$packed/$(basename "$source").o" &
  pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done
g++ -shared -o build/native/grit.node $packed/*.o -Wl,--no-as-needed -L"$torch/lib" "${libraries[@]}" -Wl,-rpath,"$torch/lib"

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || true
exec $packed/node --enable-source-maps $packed/bench.mjs "$@"
