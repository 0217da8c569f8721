#!/usr/bin/env bash
# Checks the sources with clang-format, clang-tidy and ruff; takes some minutes.
#
#   utils/lint.sh            all sources
#   utils/lint.sh --quick    without clang-tidy
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

git ls-files '*.cpp' '*.h' '*.c' | xargs clang-format-22 --dry-run --Werror
.venv/bin/ruff check python_frontend examples utils test benchmarks
if [[ "${1:-}" != --quick ]]; then
  utils/build.sh
  run-clang-tidy-22 -quiet -p build -j"$(nproc)" -warnings-as-errors='*' "$root/(lib|tools)/.*\.cpp"
fi
echo "lint: clean"
