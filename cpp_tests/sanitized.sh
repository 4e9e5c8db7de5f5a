#!/usr/bin/env bash
# pytest with the modules of `cmake --preset asan`: address and undefined-behaviour sanitizers over
# the bindings and the engine, as Python calls them. Arguments go to pytest.
#   cmake --preset asan && cmake --build --preset asan
#   cpp_tests/sanitized.sh -q tests/test_engine_shapes.py
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/asan
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
modules=("$build"/_core_v3*.so "$build"/_cpu*.so)
if [ ! -e "${modules[0]}" ]; then
  echo "cpp_tests/sanitized.sh: $build has no module; expected a build with Python modules" \
    "(cmake --preset asan && cmake --build --preset asan)." >&2
  exit 1
fi

# A package of its own: modules of other builds in python/tidegate stay where they are.
package=$build/sanitized
rm -rf "$package"
mkdir -p "$package/tidegate"
cp -r python/tidegate/. "$package/tidegate"
rm -f "$package"/tidegate/*.so
cp "${modules[@]}" "$package/tidegate"

# The interpreter is not sanitized, so the runtime must come first. Python keeps memory at its end,
# which is no leak of ours; a size that cannot be had is a MemoryError, as a test expects.
runtime=$("$compiler" -print-file-name=libasan.so):$("$compiler" -print-file-name=libubsan.so)
export PYTHONPATH=$package${PYTHONPATH:+:$PYTHONPATH} PYTHONMALLOC=malloc TIDEGATE_ISA=v3
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
exec env LD_PRELOAD="$runtime" "${PYTHON:-python}" -m pytest -p no:cacheprovider "$@"
