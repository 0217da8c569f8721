#!/usr/bin/env bash
# Configures and builds the compiler: utils/build.sh [preset] [target...]
# Presets are `release` (default, in build/) and `sanitize` (in build-sanitize/).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$root"

preset=${1:-release}
shift || true
case "$preset" in
release) folder=build ;;
sanitize) folder=build-sanitize ;;
*) die "no preset '$preset': release or sanitize" ;;
esac

# ninja runs cmake again by itself when one of its files has changed.
if [[ ! -f "$folder/build.ninja" ]]; then
  step "configure ($preset)" cmake --preset "$preset"
fi
step "build ($preset)" ninja -C "$folder" "$@"
