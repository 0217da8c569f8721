"""Estimates of energy from counted operations, as papers on spiking networks make them.

Two models. The first is the convention of the field (Rathi and Roy 2021; Zhou et
al., Spikformer, ICLR 2023; Yao et al., Spike-driven Transformer, NeurIPS 2023):

    E = E_MAC * multiply-accumulates + E_AC * accumulates

in 45 nm CMOS, where a float32 multiplication takes 3.7 pJ and an addition 0.9 pJ
(Horowitz, ISSCC 2014). The second adds memory, in the manner of Lemaire et al.
(ICONIP 2022): every access to a 32-bit word costs what a memory of that capacity
takes, and nothing is kept between one operation and the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from spk.errors import SpkError

__all__ = ["Constants", "NOTE", "Work", "arithmetic_pj", "memory_pj", "parse_memory"]

WORD_BYTES = 4
QUEUE_BYTES = 1000 * WORD_BYTES  # of spikes between two layers, as of Lemaire et al.

NOTE = (
    "Estimates for comparison with published numbers, which use the same constants; not the energy of any processor."
    " Arithmetic counts multiply-accumulates and accumulates of layers with weights and of attention products, nothing else:"
    " no norms, softmax, neurons, residual sums, control, clock, leakage. Memory is counted as if every operation fetched its operands"
    " anew, which on real chips takes more than the arithmetic; how much more depends on what they keep close by."
)


@dataclass(frozen=True)
class Constants:
    """Energies in pJ.

    Attributes:
        mac: of a multiply-accumulate.
        accumulate: of an accumulate.
        memory: capacities in bytes, ascending, each with the energy of an access
            to a 32-bit word; linear in between and down to 0, the last one's above.
    """

    mac: float = 4.6
    accumulate: float = 0.9
    memory: tuple[tuple[int, float], ...] = ((8 << 10, 10.0), (32 << 10, 20.0), (1 << 20, 100.0))

    def __post_init__(self) -> None:
        energies = [("a multiply-accumulate", self.mac), ("an accumulate", self.accumulate)]
        for name, value in [*energies, *(("a memory access", energy) for _, energy in self.memory)]:
            if not (math.isfinite(value) and value >= 0):
                raise SpkError(f"the energy of {name} must be a number of pJ from 0 on, got {value:g}")
        capacities = [0, *(capacity for capacity, _ in self.memory)]
        if len(capacities) == 1 or any(a >= b for a, b in zip(capacities, capacities[1:], strict=False)):
            raise SpkError(f"capacities of memories must be positive and ascending, got {capacities[1:]}")

    def access(self, capacity: float) -> float:
        """Energy of an access to a word in a memory of `capacity` bytes."""
        below = (0.0, 0.0)
        for point in self.memory:
            if capacity <= point[0]:
                return below[1] + (point[1] - below[1]) * (capacity - below[0]) / (point[0] - below[0])
            below = point
        return below[1]

    def __str__(self) -> str:
        memory = ", ".join(f"{energy:g} at {capacity / 1024:g} KiB" for capacity, energy in self.memory)
        return (
            f"multiply-accumulate {self.mac:g} pJ, accumulate {self.accumulate:g} pJ;"
            f" access to a 32-bit word by capacity of the memory, in pJ: {memory}"
        )


def parse_memory(text: str) -> tuple[tuple[int, float], ...]:
    """``8192=10,32768=20`` as pairs of capacity in bytes and pJ per access.

    Raises:
        SpkError: if it is no such list.
    """
    try:
        pairs = [part.split("=") for part in text.split(",")]
        return tuple((int(capacity), float(energy)) for capacity, energy in pairs)
    except ValueError:
        raise SpkError(f"{text!r} is no list of memories; write BYTES=PJ,... for example 8192=10,32768=20,1048576=100") from None


@dataclass(frozen=True)
class Work:
    """What a layer does for one sample, over all time steps.

    Attributes:
        macs: multiplications with floats, each with an addition.
        accumulates: additions of a weight because a spike came.
        weight_bytes: memory of its weights.
        input_bytes: memory of the floats that it reads.
        sum_bytes: memory of its sums, or of its neurons' membranes, of one step.
        updates: of membranes: neurons times steps.
        spikes: read by a layer with weights, or fired by neurons.
    """

    macs: float = 0.0
    accumulates: float = 0.0
    weight_bytes: float = 0.0
    input_bytes: float = 0.0
    sum_bytes: float = 0.0
    updates: float = 0.0
    spikes: float = 0.0


def arithmetic_pj(work: Work, constants: Constants) -> float:
    """Energy by the first model, in pJ."""
    return constants.mac * work.macs + constants.accumulate * work.accumulates


def memory_pj(work: Work, constants: Constants) -> float:
    """What the second model adds to the first, in pJ.

    Each operation reads a weight. A multiply-accumulate also reads its input and
    keeps its sum in a register; an accumulate, whose spike may be followed by any
    other, reads and writes the sum. A neuron reads and writes its membrane at
    every step. A spike is written to a queue once and read by each layer.
    """
    access = constants.access
    weights = (work.macs + work.accumulates) * access(work.weight_bytes)
    inputs = work.macs * access(work.input_bytes)
    sums = 2 * (work.accumulates + work.updates) * access(work.sum_bytes)
    return weights + inputs + sums + work.spikes * access(QUEUE_BYTES)
