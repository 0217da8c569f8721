#!/usr/bin/env bash
# Builds everything and runs all tests. The last line is the sum of all suites:
# `N passed, N failed, N skipped`. Environment:
#   SPK_TEST_MUTATE  1: also run utils/mutate.sh, which rebuilds the compiler for
#                    every mutation; 0: leave the mutations alone (default: list
#                    them, which counts only if it fails)
#   SPK_TEST_FULL    1: also compare a published size of every model with PyTorch
#                    (a quarter of an hour, a few GB), which counts as one test
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

results=$root/build/test-results
summary() { .venv/bin/python utils/test_summary.py "$@"; }

# Nothing can be counted before there is something to run.
"$root/utils/setup.sh" && "$root/utils/build.sh" || {
  printf '\n0 passed, 1 failed, 0 skipped\n'
  exit 1
}
rm -rf "$results"
mkdir -p "$results"

# lit runs a test per processor, so each gets one thread, pytest one test at a
# time; idle threads of one OpenMP library must not spin in the way of another.
processors=$(nproc)
export OMP_WAIT_POLICY=passive

OMP_NUM_THREADS=1 step "lit and unit tests" /usr/lib/llvm-22/bin/lit -v -j"$processors" \
  --xunit-xml-output="$results/lit.xml" build/test
echo "$?" >"$results/lit.status"

OMP_NUM_THREADS=$processors step "Python tests" .venv/bin/python -m pytest -q -ra python_frontend/tests --junitxml="$results/pytest.xml"
echo "$?" >"$results/pytest.status"

case "${SPK_TEST_MUTATE:-list}" in
0) ;;
1)
  step "mutations" utils/mutate.sh
  echo "$?" >"$results/mutate.status"
  ;;
*)
  step "mutations, listed only" utils/mutate.sh --list || echo 1 >"$results/mutate.status"
  ;;
esac

if [[ ${SPK_TEST_FULL:-0} == 1 ]]; then
  PYTHONPATH=$root/python_frontend step "published sizes" .venv/bin/python utils/models.py --full --check
  echo "$?" >"$results/full.status"
fi

summary "$results"
