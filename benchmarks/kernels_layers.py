"""Layers that ``kernels.py`` measures: IR, weights, inputs, and what they must answer.

Weights lie on a dyadic grid, so that every sum of spikes times weights is exact
in any order: engines that add in different orders must give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

STEPS = 4  # T
WORD = 64  # spikes of a word
INPUTS = 16  # that take turns: a branch predictor learns the spikes of one
GRID = 2.0**-10  # weights are multiples of it
MODEL_DENSITY = 0.15  # of the spikes whose sums make an integer stream


@dataclass(frozen=True)
class Layer:
    """One layer of Spikformer 8-512 at 224 px, batch 1.

    Attributes:
        name: how it is called in results.
        kind: ``linear``, ``conv`` (3 x 3), ``first`` (3 x 3 on a float image that is repeated) or ``ssa``.
        inputs: input channels.
        outputs: output channels, of each part.
        size: height and width of a convolution, tokens of a linear map.
        parts: layers with weights of their own that read the same input, such as q, k and v.
        heads: of an attention core.
    """

    name: str
    kind: str
    inputs: int
    outputs: int
    size: int
    parts: int = 1
    heads: int = 8

    @property
    def space(self) -> tuple[int, ...]:
        """Axes between batch and channels."""
        return (self.size, self.size) if self.kind in ("conv", "first") else (self.size,)

    @property
    def steps(self) -> int:
        """Time steps that differ: a repeated image is convolved once."""
        return 1 if self.kind == "first" else STEPS

    @property
    def taps(self) -> int:
        """Positions of the window."""
        return 9 if self.kind in ("conv", "first") else 1

    @property
    def macs(self) -> int:
        """Dense multiply-accumulates of all time steps; of an attention core in the cheaper order, both products."""
        rows = self.steps * int(np.prod(self.space))
        if self.kind == "ssa":
            return rows * self.inputs * (self.inputs // self.heads) * 2
        return rows * self.inputs * self.taps * self.outputs * self.parts


@dataclass(frozen=True)
class Cell:
    """What a layer reads: spikes of a density, or sums of that many spikes.

    Attributes:
        density: share of ones of every spike.
        joined: how many spikes an input is the sum of; 1 for spikes.
    """

    density: float
    joined: int = 1

    @property
    def label(self) -> str:
        """For tables and file names."""
        return f"mean {self.density * self.joined:.1f}" if self.joined > 1 else f"{100 * self.density:.3g} %"

    @property
    def planes(self) -> int:
        """Bits of the largest value."""
        return self.joined.bit_length()


LAYERS = (
    Layer("proj 512→512", "linear", 512, 512, 196),
    Layer("qkv 512→3·512", "linear", 512, 512, 196, parts=3),
    Layer("fc1 512→2048", "linear", 512, 2048, 196),
    Layer("fc2 2048→512", "linear", 2048, 512, 196),
    Layer("conv 64→128 @112", "conv", 64, 128, 112),
    Layer("conv 128→256 @56", "conv", 128, 256, 56),
    Layer("conv 256→512 @28", "conv", 256, 512, 28),
    Layer("conv 512→512 @14", "conv", 512, 512, 14),
    Layer("first 3→64 @224", "first", 3, 64, 224),
    Layer("ssa 196×64, 8 heads", "ssa", 512, 512, 196),
)
SPIKES = tuple(Cell(p) for p in (0.0, 1 / 64, 0.05, 0.15, 0.25, 0.5, 1.0))
# The residual stream of 8-512 behind the patch embedding and behind blocks 2, 4 and 6.
STREAMS = tuple(Cell(MODEL_DENSITY, joined) for joined in (2, 6, 10, 14))
IMAGE = Cell(1.0)


def cells_of(layer: Layer) -> tuple[Cell, ...]:
    """Everything that is measured of a layer: integer streams where the model has them, in front of q, k, v and fc1."""
    if layer.kind == "first":
        return (IMAGE,)
    reads_stream = layer.kind == "linear" and layer.name.startswith(("qkv", "fc1"))
    return SPIKES + STREAMS if reads_stream else SPIKES


@dataclass
class Parameters:
    """Weights ``[outputs, inputs(, 3, 3)]`` of every part, scale and shift per channel for every cell."""

    weights: list[np.ndarray]
    scales: dict[Cell, list[np.ndarray]] = field(default_factory=dict)
    shifts: dict[Cell, list[np.ndarray]] = field(default_factory=dict)


def _random(layer: Layer, *more: int) -> np.random.Generator:
    return np.random.default_rng([*layer.name.encode(), *more])


def make_parameters(layer: Layer, cells: tuple[Cell, ...]) -> Parameters:
    """Random weights, and norms after which neurons fire at ordinary rates whatever the density."""
    if layer.kind == "ssa":
        return Parameters([])
    random = _random(layer)
    window = (3, 3) if layer.taps == 9 else ()
    shape = (layer.outputs, layer.inputs, *window)
    draw = lambda: (random.integers(-255, 256, shape) * GRID).astype(np.float32)  # noqa: E731
    parameters = Parameters([draw() for _ in range(layer.parts)])
    for cell in cells:
        parameters.scales[cell], parameters.shifts[cell] = [], []
        for weights in parameters.weights:
            rows = weights.reshape(layer.outputs, -1).astype(np.float64)
            mean, spread = (0.5, 0.29) if layer.kind == "first" else (cell.density * cell.joined, _spread(cell))
            deviation = spread * np.sqrt((rows**2).sum(1))
            scale = 1.0 / np.where(deviation > 0, deviation, 1.0)
            wanted = random.normal(0.5, 0.5, layer.outputs)
            parameters.scales[cell].append(scale.astype(np.float32))
            parameters.shifts[cell].append((wanted - mean * rows.sum(1) * scale).astype(np.float32))
    return parameters


def _spread(cell: Cell) -> float:
    return float(np.sqrt(cell.joined * cell.density * (1 - cell.density)))


# ---------------------------------------------------------------------------------------------------------------------
# Inputs
# ---------------------------------------------------------------------------------------------------------------------


def make_input(layer: Layer, cell: Cell, index: int) -> np.ndarray:
    """Input number ``index``: ``[T, 1, ..., channels]``, integers, or floats of an image; q, k and v side by side."""
    random = _random(layer, int(cell.density * 1e6), cell.joined, index)
    channels = layer.inputs * (3 if layer.kind == "ssa" else 1)
    shape = (layer.steps, 1, *layer.space, channels)
    if layer.kind == "first":
        return (random.integers(0, 256, shape) / 256).astype(np.float32)
    ones = lambda: random.random(shape, np.float32) < cell.density  # noqa: E731
    values = ones().astype(np.int8)
    for _ in range(cell.joined - 1):
        values += ones()
    return values


def pack(values: np.ndarray, planes: int) -> np.ndarray:
    """Words of ``[..., channels]``, as `#spk.packed` stores them: ``[..., words, planes]``."""
    padding = -values.shape[-1] % WORD
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, padding)])
    bits = [np.packbits(padded >> p & 1, axis=-1, bitorder="little") for p in range(planes)]
    return np.stack([np.ascontiguousarray(b).view(np.int64) for b in bits], axis=-1)


def unpack(words: np.ndarray, channels: int) -> np.ndarray:
    """Spikes of words of one plane."""
    data = np.ascontiguousarray(words[..., 0]).view(np.uint8)
    return np.unpackbits(data, axis=-1, bitorder="little")[..., :channels]


# ---------------------------------------------------------------------------------------------------------------------
# Answers
# ---------------------------------------------------------------------------------------------------------------------


def fire(currents: np.ndarray, threshold: float = 1.0) -> np.ndarray:
    """Spikes of a LIF neuron (tau 2, hard reset to 0) over the leading axis; every operation rounds to f32."""
    membrane = np.zeros(currents.shape[1:], np.float32)
    spikes = np.zeros(currents.shape, np.uint8)
    for t, current in enumerate(currents.astype(np.float32)):
        charged = membrane + (current - membrane) / np.float32(2)
        spikes[t] = charged >= np.float32(threshold)
        membrane = np.where(spikes[t], np.float32(0), charged)
    return spikes


def expected(layer: Layer, parameters: Parameters, cell: Cell, sums: list[np.ndarray]) -> list[np.ndarray]:
    """Spikes of every part, from the sums ``[T, 1, ..., outputs]`` that another engine computed."""
    if layer.kind == "ssa":
        return [fire(sums[0] * np.float32(0.125), 0.5)]
    answers = []
    for part, (scale, shift) in enumerate(zip(parameters.scales[cell], parameters.shifts[cell], strict=True)):
        currents = sums[part] * scale + shift
        if layer.kind == "first":
            currents = np.repeat(currents, STEPS, axis=0)
        answers.append(fire(currents))
    return answers


# ---------------------------------------------------------------------------------------------------------------------
# IR
# ---------------------------------------------------------------------------------------------------------------------


def _tensor(shape: tuple[int, ...], element: str) -> str:
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def weight_names(cell: Cell, part: int) -> tuple[str, str, str]:
    """Keys of weights, scale and shift in the layer's safetensors."""
    suffix = f"{cell.density:g}.{cell.joined}"
    return f"w{part}", f"s{part}.{suffix}", f"b{part}.{suffix}"


def measured_density(cell: Cell) -> str:
    """Attributes that tell the compiler how dense the input is."""
    if cell.joined == 1:
        return f"spk.density = {cell.density!r} : f64"
    counts = np.random.default_rng(0).binomial(cell.joined, cell.density, 1 << 16)
    planes = ", ".join(f"{float((counts >> p & 1).mean())!r}" for p in range(cell.planes))
    return f"spk.density = {float((counts > 0).mean())!r} : f64, spk.plane_densities = array<f64: {planes}>"


def make_module(layer: Layer, cell: Cell, weights_file: str) -> str:
    """The layer with its norm and neuron; spikes come and go as packed words."""
    outer = (STEPS, 1, *layer.space)
    output = _tensor((*outer, layer.outputs), "i1")
    results = ", ".join(f'{output} {{spk.name = "y{i}", spk.words}}' for i in range(layer.parts))
    neuron = "{{tau = 2.0 : f32, v_reset = 0.0 : f32, v_threshold = {} : f32}}"
    if layer.kind == "ssa":
        floats = _tensor((*outer, layer.inputs), "f32")
        options = f"{{num_heads = {layer.heads} : i64, scale = 0.125 : f32}}"
        arguments = ", ".join(f'%{x}: {output} {{spk.name = "{x}", spk.words}}' for x in "qkv")
        return f"""module {{
  func.func @main({arguments}) -> ({results}) {{
    %0 = spk.ssa %q, %k, %v {options} : ({output}, {output}, {output}) -> {floats} loc("layer")
    %1 = spk.lif %0 {neuron.format(0.5)} : {floats} -> {output} loc("lif")
    return %1 : {output}
  }}
}}
"""
    element = "f32" if layer.kind == "first" else "i1" if cell.joined == 1 else "i8"
    given = _tensor((layer.steps, 1, *layer.space, layer.inputs), element)
    marks = "spk.static" if layer.kind == "first" else f"spk.words, spk.max = {cell.joined} : i64"
    window = (3, 3) if layer.taps == 9 else ()
    kernel = _tensor((layer.outputs, layer.inputs, *window), "f32")
    channel = _tensor((layer.outputs,), "f32")
    sums = _tensor((STEPS, 1, *layer.space, layer.outputs), "f32")
    read, wide = "%x", given
    head, body, answers = [], [], []
    if layer.kind == "first":
        wide = _tensor((STEPS, 1, *layer.space, layer.inputs), element)
        body.append(f'%r = spk.repeat %x : {given} -> {wide} loc("repeat")')
        read = "%r"
    operation, options = "spk.linear", "layout = #spk.layout<channels_last>"
    if window:
        operation, options = "spk.conv", options + ", padding = array<i64: 1, 1>"
    if layer.kind != "first":
        options += f", {measured_density(cell)}"
    for part in range(layer.parts):
        for key, kind in zip(weight_names(cell, part), (kernel, channel, channel), strict=True):
            head.append(f'ml_program.global private @"{key}"(#ml_program.extern : {kind}) : {kind}')
            body.append(f'%{key[0]}{part} = ml_program.global_load_const @"{key}" : {kind}')
        body += [
            f'%i{part} = {operation} {read}, %w{part} {{{options}}} : ({wide}, {kernel}) -> {sums} loc("layer{part}")',
            f"%n{part} = spk.scale_shift %i{part}, %s{part}, %b{part} {{layout = #spk.layout<channels_last>}}"
            f' : ({sums}, {channel}, {channel}) -> {sums} loc("norm{part}")',
            f'%y{part} = spk.lif %n{part} {neuron.format(1.0)} : {sums} -> {output} loc("lif{part}")',
        ]
        answers.append(f"%y{part}")
    lines = "\n    ".join([*body, f"return {', '.join(answers)} : {', '.join([output] * layer.parts)}"])
    globals_ = "\n  ".join(head)
    return f"""module attributes {{spk.weights = "{weights_file}"}} {{
  {globals_}
  func.func @main(%x: {given} {{spk.name = "x", {marks}}}) -> ({results}) {{
    {lines}
  }}
}}
"""
