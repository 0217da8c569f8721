"""Checks what a chain of layers needs: check_memory.py EXPLAIN.json INFO.json BENCHMARK.json."""

import json
import sys
from pathlib import Path

explain, info, benchmark = (json.loads(Path(path).read_text()) for path in sys.argv[1:])

# Every layer reads only what the one before it wrote: two places serve all.
largest = max(layer["output_bytes"] for layer in explain["layers"])
assert len(explain["layers"]) == 7
assert explain["arena_bytes"] <= 2 * largest, (explain["arena_bytes"], largest)

# Everybody says the same.
for key in ("arena_bytes", "weights_bytes"):
    assert explain[key] == info[key] == benchmark[key] > 0, key

# One copy of the weights is in memory, and it is the file's.
copied = benchmark["peak_rss_bytes"] - benchmark["weights_bytes"]
assert copied < benchmark["weights_bytes"] / 2, (copied, benchmark["weights_bytes"])
