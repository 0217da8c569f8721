#!/usr/bin/env bash
# Breaks the sources on purpose, one edit of utils/mutations.toml at a time, and
# expects the test that the edit names to fail. Works in build-mutate/, a copy,
# so that the checkout stays as it is. See --help.
exec python3 "$(dirname "$0")/mutate.py" "$@"
