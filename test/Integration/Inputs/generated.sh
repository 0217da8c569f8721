#!/usr/bin/env bash
# Generates programs and compares them: generated.sh PYTHON DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
first=${SPK_GENERATED_FIRST:-0}
failed=0
for seed in $(seq "$first" $((first + ${SPK_GENERATED_PROGRAMS:-40} - 1))); do
  if "$1" "$here/generate.py" "$2/$seed" "$seed" > "$2/$seed.log" 2>&1 &&
    bash "$here/equivalence.sh" "$2/$seed" quick >> "$2/$seed.log" 2>&1; then
    echo "seed $seed: $(tail -1 "$2/$seed.log")"
    rm -r "${2:?}/$seed"
  else
    echo "seed $seed FAILED, see $2/$seed:"
    grep -v 'wrote\|generating code' "$2/$seed.log" | tail -4
    failed=$((failed + 1))
  fi
done
echo "$failed programs failed"
exit $((failed > 0))
