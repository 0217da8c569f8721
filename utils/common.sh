# Shared by the scripts of this folder; sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '\n== %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step TITLE COMMAND...: runs a command and never stays silent for 10 seconds.
step() {
  local title=$1 log status watcher
  shift
  say "$title"
  local shown="${*//"$root"\//}"
  printf '+ %s\n' "${shown#privileged }"
  log=$(mktemp)
  (
    trap 'kill "$pause" 2>/dev/null; exit' TERM
    start=$SECONDS
    while :; do
      sleep 4 &
      pause=$!
      wait "$pause"
      kill -0 $$ 2>/dev/null || exit
      if (($(date +%s) - $(stat -c %Y "$log") >= 5)); then
        printf '   ... %s: %d s\n' "$title" $((SECONDS - start))
        touch "$log"
      fi
    done
  ) &
  watcher=$!
  status=0
  "$@" 2>&1 | tee -a "$log" || status=${PIPESTATUS[0]}
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  rm -f "$log"
  return "$status"
}
