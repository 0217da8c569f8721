"""Compares spk-compile --explain=json with the IR: check_explain.py REPORT PACKED.mlir [DENSITIES.json]."""

import json
import re
import sys
from pathlib import Path

report = json.loads(Path(sys.argv[1]).read_text())
text = Path(sys.argv[2]).read_text()
main = text[text.index("func.func @main") :]
main = main[: main.index("\n  }")]

strategies = re.findall(r"spk\.fused\(.*?strategy = \"(\w+)\"", main)
assert [layer["strategy"] for layer in report["layers"]] == strategies, strategies

synapses = [layer for layer in report["layers"] if layer["fused"].startswith(("conv", "linear"))]
sums = re.findall(r"spk\.(?:conv|linear) .*?sum = #spk\.sum<(\w+)", main)
assert [layer["sum"].split()[0] for layer in synapses] == sums, sums

dense = [layer for layer in synapses if "density" in layer]
assert [layer["layer"] for layer in synapses if layer not in dense] == ["embed.0_conv", "head"]
assert all(layer["density_measured"] == (len(sys.argv) == 4) for layer in dense)
if len(sys.argv) == 4:
    densities = json.loads(Path(sys.argv[3]).read_text())["densities"]
    shown = [(layer["layer"], layer["density"], layer.get("plane_densities")) for layer in dense]
    assert shown == [(d["layer"], d["density"], d.get("planes")) for d in densities], shown

estimates = re.findall(r"spk\.estimates = \{(.*?)\}", main)
for layer, written in zip(report["layers"], estimates, strict=True):
    nanoseconds = {name: int(value) for name, value in re.findall(r"(\w+) = (\d+) : i64", written)}
    assert {name: round(1e6 * ms) for name, ms in layer["estimates_ms"].items()} == nanoseconds, layer
    assert layer["estimated_ms"] == layer["estimates_ms"][layer["strategy"]] == min(layer["estimates_ms"].values()), layer

attention = [layer for layer in report["layers"] if "association" in layer]
orders = re.findall(r"spk\.ssa .*?association = #spk\.association<(\w+)>", main)
assert [layer["association"] for layer in attention] == orders, orders
for layer in attention:
    costs = {"qk_first": layer["qk_first_macs"], "kv_first": layer["kv_first_macs"]}
    assert layer["dense_macs"] == costs[layer["association"]], layer

for layer in report["layers"]:
    assert ("packed" in layer["output"]) == ("f32" not in layer["output"]), layer
    assert layer["strategy"] == "elementwise" or layer["why"], layer
for total, field in (("output_bytes", "output_bytes"), ("weight_bytes", "weight_bytes"), ("dense_macs", "dense_macs")):
    assert report["totals"][total] == sum(layer[field] for layer in report["layers"]), total
total = sum(layer["estimated_ms"] for layer in report["layers"])
assert abs(report["totals"]["estimated_ms"] - total) <= 1e-9 * total, total
assert report["totals"]["float_bytes"] == sum(buffer["bytes"] for buffer in report["float_buffers"])
