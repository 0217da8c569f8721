"""Small layers from which `spk.calibration` finds the constants of the cost model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LAYERS", "STEPS", "MicroLayer", "module_text", "quick_layers"]

STEPS = 4  # T


@dataclass(frozen=True)
class MicroLayer:
    """A synapse with its norm and neuron, or an attention core with its neuron.

    Attributes:
        name: how it is called in the table of results.
        strategy: what realises it; of an attention core the order of the products.
        inputs: input channels, of an attention core all heads together.
        outputs: output channels.
        size: positions of a linear map, tokens, or height and width of a convolution.
        density: share of set bits; of a stream in its lowest bit plane, and half of it in each further one.
        planes: bit planes of the input.
        window: height and width of the window of a convolution, 0 for a linear map.
        summation: ``sequential``, ``grouped, group = 5`` and so on.
    """

    name: str
    strategy: str
    inputs: int
    outputs: int
    size: int
    density: float = 1.0
    planes: int = 1
    window: int = 0
    summation: str = "sequential"

    @property
    def is_attention(self) -> bool:
        """Whether it is an attention core."""
        return self.strategy in ("qk_first", "kv_first")

    @property
    def reads_floats(self) -> bool:
        """Whether the input is an image."""
        return self.strategy == "dense_fma"

    @property
    def positions(self) -> tuple[int, ...]:
        """Axes between batch and channels."""
        return (self.size, self.size) if self.window else (self.size,)

    @property
    def arguments(self) -> int:
        """Inputs: q, k and v, or one."""
        return 3 if self.is_attention else 1

    def make_input(self, random: np.random.Generator) -> list[np.ndarray]:
        """Values for every argument: floats, or packed words."""
        shape = (STEPS, 1, *self.positions)
        if self.reads_floats:
            return [random.random((*shape, self.inputs), np.float32)]
        bits = [random.random((self.arguments, *shape, self.inputs)) < self.density / 2**p for p in range(self.planes)]
        padding = [(0, 0)] * (len(shape) + 1) + [(0, -self.inputs % 64)]
        words = [np.packbits(np.pad(b, padding), axis=-1, bitorder="little").view(np.int64) for b in bits]
        return list(np.ascontiguousarray(np.stack(words, axis=-1)))

    def weights(self, random: np.random.Generator) -> dict[str, np.ndarray]:
        """Weights, scale and shift by their names in the module, with which neurons fire at ordinary rates."""
        if self.is_attention:
            return {}
        window = (self.window, self.window) if self.window else ()
        weights = random.standard_normal((self.outputs, self.inputs, *window)).astype(np.float32)
        scale = np.full(self.outputs, 1 / np.sqrt(self.inputs * max(self.window, 1) ** 2 * self.density), np.float32)
        return {"w": weights, "s": scale, "b": np.full(self.outputs, 0.5, np.float32)}


def _tensor(shape: tuple[int, ...], element: str) -> str:
    return f"tensor<{'x'.join(map(str, shape))}x{element}>"


def module_text(layers: list[MicroLayer], weights_file: str) -> str:
    """A module with these layers side by side; weights are read under ``w0``, ``s0``, ``b0``, ``w1``, ...."""
    arguments, results, head, body, answers = [], [], [], [], []
    for i, layer in enumerate(layers):
        outer = (STEPS, 1, *layer.positions)
        element = "f32" if layer.reads_floats else "i1" if layer.planes == 1 else "i8"
        given, floats = _tensor((*outer, layer.inputs), element), _tensor((*outer, layer.outputs), "f32")
        spikes = _tensor((*outer, layer.outputs), "i1")
        words = "" if layer.reads_floats else ", spk.words"
        if layer.planes > 1:
            words += f", spk.max = {2**layer.planes - 1} : i64"
        names = [f"x{i}_{part}" for part in range(layer.arguments)]
        arguments += [f'%{name}: {given} {{spk.name = "{name}"{words}}}' for name in names]
        results.append(f'{spikes} {{spk.name = "y{i}", spk.words}}')
        threshold = 0.5 if layer.is_attention else 1.0
        neuron = f"{{tau = 2.0 : f32, v_reset = 0.0 : f32, v_threshold = {threshold} : f32}}"
        if layer.is_attention:
            options = f"num_heads = {layer.inputs // 64} : i64, scale = 0.125 : f32, association = #spk.association<{layer.strategy}>"
            types = ", ".join([given] * 3)
            operands = ", ".join(f"%{name}" for name in names)
            body.append(f'%n{i} = spk.ssa {operands} {{{options}}} : ({types}) -> {floats} loc("{i}")')
        else:
            window = (layer.window, layer.window) if layer.window else ()
            kernel, channel = _tensor((layer.outputs, layer.inputs, *window), "f32"), _tensor((layer.outputs,), "f32")
            for key, kind in ((f"w{i}", kernel), (f"s{i}", channel), (f"b{i}", channel)):
                head.append(f'ml_program.global private @"{key}"(#ml_program.extern : {kind}) : {kind}')
                body.append(f'%{key} = ml_program.global_load_const @"{key}" : {kind}')
            options = "layout = #spk.layout<channels_last>"
            if layer.window:
                options += f", padding = array<i64: {layer.window // 2}, {layer.window // 2}>"
            if not layer.reads_floats:
                options += f", sum = #spk.sum<{layer.summation}>, spk.density = {layer.density!r} : f64"
            if layer.planes > 1:
                options += f", spk.plane_densities = array<f64: {', '.join(repr(layer.density / 2**p) for p in range(layer.planes))}>"
            operation = "spk.conv" if layer.window else "spk.linear"
            signature = f"({given}, {kernel}) -> {floats}"
            body.append(f'%i{i} = {operation} %{names[0]}, %w{i} {{{options}}} : {signature} loc("{i}")')
            signature = f"({floats}, {channel}, {channel}) -> {floats}"
            body.append(f"%n{i} = spk.scale_shift %i{i}, %s{i}, %b{i} {{layout = #spk.layout<channels_last>}} : {signature}")
        body.append(f"%y{i} = spk.lif %n{i} {neuron} : {floats} -> {spikes}")
        answers.append((f"%y{i}", spikes))
    values, types = (", ".join(column) for column in zip(*answers, strict=True))
    attributes = f' attributes {{spk.weights = "{weights_file}"}}' if head else ""
    lines = "\n    ".join([*body, f"return {values} : {types}"])
    declarations = "\n  ".join(head)
    return f"""module{attributes} {{
  {declarations}
  func.func @main({", ".join(arguments)}) -> ({", ".join(results)}) {{
    {lines}
  }}
}}
"""


_STREAM = "planes = true"
_GROUPS = "grouped, group = 5"

LAYERS = (
    MicroLayer("rows", "row_accumulate", 256, 512, 64, 0.15),
    MicroLayer("rows, sparse", "row_accumulate", 512, 512, 64, 1 / 64),
    MicroLayer("rows, dense", "row_accumulate", 256, 512, 64, 0.4),
    MicroLayer("rows, many positions", "row_accumulate", 512, 512, 196, 0.1),
    MicroLayer("rows, few inputs", "row_accumulate", 64, 512, 196, 0.1),
    MicroLayer("rows, many outputs", "row_accumulate", 256, 768, 64, 0.1),
    MicroLayer("rows, unsorted", "row_accumulate", 256, 64, 256, 0.15),
    MicroLayer("rows, sparse and unsorted", "row_accumulate", 512, 128, 196, 1 / 64),
    MicroLayer("rows, window", "row_accumulate", 64, 128, 16, 0.15, window=3),
    MicroLayer("rows, planes", "row_accumulate", 256, 256, 64, 0.2, 3, summation=f"sequential, {_STREAM}"),
    MicroLayer("rows, 6 planes", "row_accumulate", 64, 256, 196, 0.2, 6, summation=f"sequential, {_STREAM}"),
    MicroLayer("tables", "table", 256, 256, 64, 0.3, summation=_GROUPS),
    MicroLayer("tables, many positions", "table", 512, 128, 196, 0.3, summation=_GROUPS),
    MicroLayer("tables, few positions", "table", 512, 256, 8, 0.3, summation=_GROUPS),
    MicroLayer("tables, window", "table", 64, 128, 16, 0.3, window=3, summation=_GROUPS),
    MicroLayer("tables, planes", "table", 256, 256, 64, 0.3, 3, summation=f"{_GROUPS}, {_STREAM}"),
    MicroLayer("tables and rows", "table_and_rows", 256, 256, 64, 0.3, 4, summation=f"{_GROUPS}, {_STREAM}, grouped_planes = 2"),
    MicroLayer("selects", "select_accumulate", 256, 128, 64, 0.3),
    MicroLayer("selects, groups", "select_accumulate", 256, 128, 64, 0.3, summation=_GROUPS),
    MicroLayer("floats", "dense_fma", 256, 256, 64),
    MicroLayer("floats, window", "dense_fma", 3, 64, 32, window=3),
    MicroLayer("attention, Q Kᵀ first", "qk_first", 256, 256, 64, 0.2),
    MicroLayer("attention, Kᵀ V first", "kv_first", 256, 256, 64, 0.2),
    MicroLayer("attention, many tokens", "kv_first", 256, 256, 196, 0.2),
)


def quick_layers() -> list[MicroLayer]:
    """The fewest layers that determine every constant."""
    names = (
        "rows",
        "rows, sparse",
        "rows, few inputs",
        "rows, many outputs",
        "rows, unsorted",
        "rows, planes",
        "tables",
        "tables, few positions",
        "selects",
        "floats",
        "attention, Q Kᵀ first",
        "attention, Kᵀ V first",
    )
    return [layer for layer in LAYERS if layer.name in names]
