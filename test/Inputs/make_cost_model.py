"""Writes a file of constants: make_cost_model.py OUT.json [CONSTANT=NANOSECONDS ...]; the others are 1."""

import json
import sys

CONSTANTS = (
    "row_per_spike",
    "row_per_word",
    "sorted_row_per_word",
    "sort_per_word",
    "table_per_lookup",
    "table_per_entry",
    "select_per_input",
    "fma_per_input",
    "sum_per_plane",
    "attention_qk_first",
    "attention_kv_first",
    "finish_per_sum",
)
given = dict(argument.split("=") for argument in sys.argv[2:])
nanoseconds = {name: float(given.get(name, 1)) for name in CONSTANTS}
caches = {"l1_bytes": 32768, "l2_bytes": int(given.get("l2_bytes", 1048576))}
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump({"cpu": "test", "nanoseconds": nanoseconds, "caches": caches}, file)
