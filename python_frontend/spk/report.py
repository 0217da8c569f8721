"""``python -m spk report``: firing rates, operations and energy of every layer, counted on samples.

Operations follow the papers on spiking transformers. With the share ``rate`` of
spikes among what a layer reads, over T time steps,

    SOPs = rate * T * MAC

(Zhou et al., Spikformer, ICLR 2023, eq. 12), where MAC are the multiply-accumulates
of one step as if no input were zero. A layer that reads floats, such as the first
convolution, takes T * MAC multiply-accumulates instead; so does a matrix product of
floats. In a product with spikes these select what is added of the other operand.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter as Occurrences
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from spk.energy import NOTE, Constants, Work, arithmetic_pj, memory_pj
from spk.errors import SpkError
from spk.graph import ATTENTION, Attention, Operand, Operation, Product, TensorType
from spk.tapped import Samples, TappedModel, compile_tapped, load_samples

__all__ = ["Convention", "Counter", "Fired", "LayerReport", "Report", "measure"]


@dataclass(frozen=True)
class Convention:
    """What papers count in different ways.

    Attributes:
        integers_as_macs: count integers (sums of spikes) as floats; else an
            integer n counts as n spikes.
        static_once: count a layer whose input is the same at every step once, as
            the compiled network computes it; else at every step.
    """

    integers_as_macs: bool = False
    static_once: bool = False


@dataclass(frozen=True)
class LayerReport:
    """A layer with weights, an attention core, a product, or a neuron layer; operations and energies are those of one sample.

    Attributes:
        layer: module path.
        kind: ``conv``, ``linear``, ``attention``, ``matmul``, or the neuron: ``lif``, ...
        reads: ``floats``, ``spikes`` or ``integers``; empty for neurons. Of the
            operands of a product it names the one that is no float, the first
            where neither is.
        rate: spikes per element and time step, of what the layer reads, of the
            operands whose spikes select in an attention core, or of what the
            neurons fire; None for floats, and for operands that no neuron fires
            as they are, which count as all ones.
        steps: time steps that are counted.
        dense_macs: multiply-accumulates as if no input were zero, all steps.
        macs: multiply-accumulates that take place.
        sops: synaptic operations: accumulates, one per weight that a spike selects.
        arithmetic_pj: energy of both, in pJ.
        memory_pj: energy of the memory accesses, in pJ.
    """

    layer: str
    kind: str
    reads: str
    rate: float | None
    steps: int
    dense_macs: int
    macs: float
    sops: float
    arithmetic_pj: float
    memory_pj: float


@dataclass
class Report:
    """Result of `measure`; print it for a table.

    Attributes:
        model: name of the module's file.
        samples: number of samples.
        time_steps: T of the network.
        constants: energies of operations.
        convention: what is counted how.
        layers: in order of execution.
        ann_pj: energy of the layers' dense multiply-accumulates at one step, in
            pJ: that of the same network on floats.
    """

    model: str
    samples: int
    time_steps: int
    constants: Constants
    convention: Convention
    layers: list[LayerReport] = field(default_factory=list)
    ann_pj: float = 0.0

    def totals(self) -> dict[str, float]:
        """Sums over all layers."""
        names = ("dense_macs", "macs", "sops", "arithmetic_pj", "memory_pj")
        return {name: sum(getattr(layer, name) for layer in self.layers) for name in names} | {"ann_pj": self.ann_pj}

    def to_json(self) -> str:
        """Everything, exactly."""
        document = asdict(self)
        del document["ann_pj"]
        return json.dumps(document | {"totals": self.totals(), "note": NOTE}, indent=2) + "\n"

    def to_csv(self) -> str:
        """One row per layer, named columns."""
        text = io.StringIO()
        writer = csv.DictWriter(text, [f.name for f in fields(LayerReport)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(layer) for layer in self.layers)
        return text.getvalue()

    def __str__(self) -> str:
        rows = [("layer", "kind", "reads", "rate", "T", "dense MACs", "MACs", "SOPs", "arithmetic", "memory")]
        rows += [
            (
                layer.layer,
                layer.kind,
                layer.reads or "-",
                "-" if layer.rate is None else f"{layer.rate:.2%}",
                str(layer.steps),
                *(_count(n) for n in (layer.dense_macs, layer.macs, layer.sops)),
                *(_energy(e) for e in (layer.arithmetic_pj, layer.memory_pj)),
            )
            for layer in self.layers
        ]
        totals = self.totals()
        counts = [_count(totals[name]) for name in ("dense_macs", "macs", "sops")]
        energies = [_energy(totals[name]) for name in ("arithmetic_pj", "memory_pj")]
        rows.append(("total", "", "", "", "", *counts, *energies))
        samples = "1 sample" if self.samples == 1 else f"{self.samples} samples"
        lines = [f"{self.model}: {samples}, T = {self.time_steps}; operations and energy of one", "", *_table(rows), ""]
        lines.append(f"arithmetic {_energy(totals['arithmetic_pj'])}; with memory {_energy(totals['arithmetic_pj'] + totals['memory_pj'])}")
        lines.append(f"the same layers on floats, one step: arithmetic {_energy(self.ann_pj)}")
        integers = "an integer input counts as a float" if self.convention.integers_as_macs else "an integer n counts as n spikes"
        static = "once" if self.convention.static_once else "T times"
        lines += [f"counted: {integers}; a layer with the same input at every step counts {static}", f"constants: {self.constants}", NOTE]
        return "\n".join(lines)


def _count(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return f"{number:g}" if number else "-"


def _energy(picojoules: float) -> str:
    for size, unit in ((1e9, "mJ"), (1e6, "µJ"), (1e3, "nJ")):
        if picojoules >= size:
            return f"{picojoules / size:.2f} {unit}"
    return f"{picojoules:.2f} pJ" if picojoules else "-"


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Columns as wide as what stands in them; names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(n) if i < 3 else cell.rjust(n) for i, (cell, n) in enumerate(zip(row, widths, strict=True))]
        yield "  ".join(cells).rstrip()


# Counting --------------------------------------------------------------------------------------------------------------


@dataclass
class Fired:
    """Spikes among elements."""

    spikes: int = 0
    elements: int = 0

    def add(self, array: np.ndarray) -> None:
        """Counts an integer n as n spikes, of either sign, and any float but 0 as one."""
        whole = np.issubdtype(array.dtype, np.integer)
        self.spikes += int(np.abs(array.astype(np.int64)).sum()) if whole else int(np.count_nonzero(array))
        self.elements += array.size

    @property
    def rate(self) -> float:
        return self.spikes / self.elements if self.elements else 0.0


def _input_rate(explained: dict[str, Any]) -> float:
    """Spikes per element of what a layer reads; an integer has as many as its bits add up to."""
    planes = explained.get("plane_densities") or [explained["density"]]
    return sum(share * 2**bit for bit, share in enumerate(planes))


def _shape(explained: dict[str, Any]) -> list[int]:
    """Of what a layer reads: ``[4, 1, 64, 48]`` of ``4x1x64x48xi1 packed``."""
    return [int(n) for n in explained["input"].split()[0].split("x")[:-1]]


def _reads(source: TensorType) -> str:
    """What an operand is, in the words of `LayerReport`."""
    return {"f32": "floats", "i1": "spikes"}.get(source.element, "integers")


def _bytes(source: TensorType) -> float:
    """Memory of an operand of one sample and step."""
    bits = {"i1": 1, "i8": 8, "i16": 16}.get(source.element, 32)
    return math.prod(source.shape[2:]) * bits / 8


def _short(op: Operation) -> str:
    """The name of an operation as people know it."""
    return "attention" if op.name == ATTENTION else op.name.removeprefix("spk.")


class Counter:
    """Makes the rows of a model from what its taps hold on samples."""

    def __init__(self, model: TappedModel, convention: Convention, constants: Constants) -> None:
        self.model, self.convention, self.constants = model, convention, constants
        self.samples = 0
        self.fired = {tap: Fired() for _, tap in model.graph.neurons}
        self.cores = {id(core): {name: Fired() for name in ("query", "key", "value")} for core in model.graph.attention}
        products = model.graph.products
        self.products = {result: {name: Fired() for name in ("rows", "columns")} for result in products}
        self.ann_pj = 0.0

    def run(self, samples: Sequence[np.ndarray]) -> None:
        """Counts what flows on samples."""
        for group in self.model.run(samples):
            self.samples += group.valid
            for tap, fired in self.fired.items():
                fired.add(group.samples(group.taps[tap]))
            reading: list[tuple[Attention | Product, dict[str, Fired]]]
            reading = [(core, self.cores[id(core)]) for core in self.model.graph.attention]
            reading += [(product, self.products[result]) for result, product in self.model.graph.products.items()]
            for reader, counts in reading:
                for name, fired in counts.items():
                    operand: Operand = getattr(reader, name)
                    array = operand.read(group.taps)
                    if array is not None:
                        fired.add(group.samples(array))

    def rows(self) -> list[LayerReport]:
        """In the order of the graph, each operation with what the compiler says of its layer.

        Raises:
            SpkError: if the compiler speaks of a layer that the graph lacks.
        """
        explained = self._explained()
        neurons = {op.result: tap for op, tap in self.model.graph.neurons}
        cores = iter(self.model.graph.attention)
        rows = []
        for op in self.model.graph.operations:
            core = next(cores) if op.name == ATTENTION else None
            if op.result in neurons:
                rows.append(self._neuron(op, self.fired[neurons[op.result]]))
                continue
            waiting = explained.get(op.layer, [])
            if waiting and op.result in self.products:
                rows.append(self._product(op, waiting.pop(0)))
            elif waiting and self.model.graph.weighs(op):
                rows.append(self._weighing(op, waiting.pop(0), core))
        left = [layer for waiting in explained.values() for layer in waiting]
        if left:
            raise SpkError(f"{self.model.name}: the layer {left[0]['layer']} ({left[0]['fused']}) is not found in the module")
        return rows

    def _explained(self) -> dict[str, list[dict[str, Any]]]:
        """By module path, what the compiler says of each operation that weighs.

        It computes the parts apart of what is cut into groups of channels.
        """
        kernels: dict[str, list[dict[str, Any]]] = {}
        for layer in self.model.explanation["layers"]:
            if layer["dense_macs"]:
                kernels.setdefault(layer["layer"], []).append(layer)
        weighing = Occurrences(op.layer for op in self.model.graph.operations if self.model.graph.weighs(op))
        explained = {}
        for path, parts in kernels.items():
            size = max(1, len(parts) // max(1, weighing[path]))
            groups = [parts[i : i + size] for i in range(0, len(parts), size)]
            explained[path] = [
                group[0] | {key: sum(part[key] for part in group) for key in ("dense_macs", "weight_bytes")} for group in groups
            ]
        return explained

    def _row(self, op: Operation, reads: str, rate: float | None, steps: int, dense: int, work: Work) -> LayerReport:
        energies = arithmetic_pj(work, self.constants), memory_pj(work, self.constants)
        return LayerReport(op.layer, _short(op), reads, rate, steps, dense, work.macs, work.accumulates, *energies)

    def _neuron(self, op: Operation, fired: Fired) -> LayerReport:
        assert op.type is not None
        steps, batch, *rest = op.type.shape
        neurons = math.prod(rest)
        work = Work(sum_bytes=4 * neurons, updates=steps * neurons, spikes=fired.rate * steps * neurons)
        return self._row(op, "", fired.rate, steps, 0, work)

    def _weighing(self, op: Operation, explained: dict[str, Any], core: Attention | None) -> LayerReport:
        """A layer with weights, or an attention core, whose keys and values stand for weights."""
        assert op.type is not None
        assert op.operand_types[0] is not None
        source = op.operand_types[0]
        steps, dense = self._dense(op, explained)
        inputs = math.prod(source.shape[2:])
        weight_bytes = explained["weight_bytes"] if core is None else inputs / 8
        sum_bytes = 4 * math.prod(op.type.shape[2:])
        reads = _reads(source)
        if reads == "floats" or (reads == "integers" and self.convention.integers_as_macs):
            work = Work(macs=dense, weight_bytes=weight_bytes, input_bytes=4 * inputs, sum_bytes=sum_bytes)
            return self._row(op, reads, None if reads == "floats" else _input_rate(explained), steps, dense, work)
        rate = _input_rate(explained) if core is None else self._selecting(core, explained["association"])
        share = 1.0 if rate is None else rate
        spikes = share * steps * inputs * (1 if core is None else 2)
        work = Work(accumulates=share * dense, weight_bytes=weight_bytes, sum_bytes=sum_bytes, spikes=spikes)
        return self._row(op, reads, rate, steps, dense, work)

    def _dense(self, op: Operation, explained: dict[str, Any]) -> tuple[int, int]:
        """Steps that are counted, and multiply-accumulates of all of them as if no input were zero."""
        assert op.type is not None
        computed, batch = _shape(explained)[0], op.type.shape[1]
        each_step = explained["dense_macs"] // (computed * batch)
        steps = computed if self.convention.static_once else op.type.shape[0]
        self.ann_pj += self.constants.mac * each_step
        return steps, steps * each_step

    def _product(self, op: Operation, explained: dict[str, Any]) -> LayerReport:
        """A matrix product: one operand stands for inputs, the other for weights."""
        assert op.type is not None
        rows, columns = op.operand_types
        assert rows is not None
        assert columns is not None
        selecting, name, other = (rows, "rows", columns) if rows.element != "f32" else (columns, "columns", rows)
        steps, dense = self._dense(op, explained)
        sum_bytes = _bytes(op.type)
        reads = _reads(selecting)
        fired = self.products[op.result][name]
        rate = fired.rate if fired.elements and reads != "floats" else None
        if reads == "floats" or (reads == "integers" and self.convention.integers_as_macs):
            work = Work(macs=dense, weight_bytes=_bytes(columns), input_bytes=_bytes(rows), sum_bytes=sum_bytes)
            return self._row(op, reads, rate, steps, dense, work)
        share = 1.0 if rate is None else rate
        spikes = share * steps * math.prod(selecting.shape[2:])
        work = Work(accumulates=share * dense, weight_bytes=_bytes(other), sum_bytes=sum_bytes, spikes=spikes)
        return self._row(op, reads, rate, steps, dense, work)

    def _selecting(self, core: Attention, order: str) -> float | None:
        """Mean rate of the operands whose spikes select what is added, one in each of the two products of equal size."""
        fired = self.cores[id(core)]
        pair = (fired["query"], fired["value"]) if order == "qk_first" else (fired["key"], fired["query"])
        if not all(f.elements for f in pair):
            return None
        return (pair[0].rate + pair[1].rate) / 2


def measure(
    module: Path,
    samples: Sequence[Samples],
    *,
    constants: Constants | None = None,
    convention: Convention | None = None,
    association: str = "auto",
    target_cpu: str = "host",
) -> Report:
    """Compile a module with taps, run it on samples and count.

    Args:
        module: the ``.mlir`` file, with its weights beside it.
        samples: for every input an array of samples or its file, ``[N, ...]`` or
            ``[T, N, ...]``.
        constants: energies of operations.
        convention: what is counted how.
        association: order of the attention products, as of ``spk-compile``.
        target_cpu: processor to compile for; never changes a number.

    Raises:
        SpkError: if the samples do not fit the module.
        ToolError: if it cannot be compiled.
    """
    constants, convention = constants or Constants(), convention or Convention()
    arrays = load_samples(samples)
    options = [f"--association={association}"]
    model = compile_tapped(module, ["*:spikes"], densities_of=samples, extra_args=options, target_cpu=target_cpu)
    counter = Counter(model, convention, constants)
    counter.run(arrays)
    rows = counter.rows()
    return Report(model.name, counter.samples, model.compiled.time_steps, constants, convention, rows, counter.ann_pj)
