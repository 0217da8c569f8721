"""``python -m spk show``: pictures of attention maps and of spikes.

An attention map is ``Q Kᵀ * scale`` of one head at one step: how many spikes a
query and a key have in common, times the scale. It holds counts, not zeros and ones,
and is there whatever order the compiled core multiplies in. Of a core of floats, or with
a softmax or neuron between its products, it is what weighs the values.
"""

from __future__ import annotations

import fnmatch
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spk.errors import SpkError
from spk.graph import Attention, read_graph
from spk.tapped import Samples, TappedModel, compile_tapped, load_samples

__all__ = ["Selection", "attention_figure", "draw", "figures", "picture", "raster_figure", "token_grid"]

OPERANDS = ("query", "key", "value")


@dataclass(frozen=True)
class Selection:
    """What to draw.

    Attributes:
        cores: module path globs of attention cores; None for the last one, unless `rasters` are asked for.
        rasters: module path globs of neuron layers.
        sample: index of the sample.
        step: time step from 0 on; None for the last one.
        head: index of a head; None for all.
        grid: rows and columns of tokens; None to find them out.
    """

    cores: Sequence[str] | None = None
    rasters: Sequence[str] = ()
    sample: int = 0
    step: int | None = None
    head: int | None = None
    grid: tuple[int, int] | None = None


def picture(image: np.ndarray) -> np.ndarray:
    """An input ``[C, H, W]`` as ``[H, W, 3]`` in [0, 1]: grey, RGB, or events of two polarities as red and blue."""
    image = image.astype(np.float64)
    low, high = image.min(), image.max()
    image = (image - low) / (high - low) if high > low else np.zeros_like(image)
    if image.shape[0] == 2:
        image = np.stack([image[0], np.zeros_like(image[0]), image[1]])
    elif image.shape[0] != 3:
        image = image.mean(0, keepdims=True).repeat(3, 0)
    return image.transpose(1, 2, 0)


def token_grid(tokens: int, height: int, width: int, layer: str) -> tuple[int, int]:
    """Rows and columns of tokens that cut an image into patches of one shape.

    Raises:
        SpkError: if there are none.
    """
    rows = math.isqrt(tokens * height // width)
    if rows and tokens % rows == 0 and rows * width == tokens // rows * height:
        return rows, tokens // rows
    raise SpkError(f"{layer}: {tokens} tokens are no grid of the shape of an input of {height}x{width}; give it with --grid ROWSxCOLUMNS")


def _new_figure(columns: int, rows: int) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SpkError("python -m spk show draws with matplotlib, which is not installed: pip install matplotlib") from error
    figure = Figure(figsize=(1 + 2.4 * columns, 0.6 + 2.4 * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, metadata={"Software": None})
    return file.getvalue()


def _range(images: Mapping[int, np.ndarray]) -> tuple[float, float]:
    """Black and white of some images: 0, or less where numbers are, and the largest number."""
    return min(0.0, *(float(m.min()) for m in images.values())), max(float(m.max()) for m in images.values()) or 1.0


def attention_figure(title: str, maps: Mapping[int, np.ndarray], image: np.ndarray | None, grid: tuple[int, int] | None) -> Any:
    """Maps of heads side by side and, below, what tokens receive over the input.

    Args:
        title: of the figure.
        maps: by head ``[N, M]``, queries by keys.
        image: the input, ``[H, W, 3]``; None to draw the maps alone.
        grid: rows and columns of keys.

    Returns:
        a ``matplotlib.figure.Figure``; its images hold the numbers that are drawn.
    """
    figure, axes = _new_figure(len(maps), 1 if image is None else 2)
    figure.suptitle(title)
    received = {head: m.mean(0) for head, m in maps.items()}
    lowest, highest = _range(maps)
    darkest, brightest = _range(received)
    for column, (head, values) in enumerate(maps.items()):
        axis = axes[0, column]
        drawn = axis.imshow(values, cmap="gray", vmin=lowest, vmax=highest, interpolation="nearest")
        axis.set_title(f"head {head}")
        axis.set_xlabel("key")
        axis.set_ylabel("query")
        if image is None:
            continue
        axis = axes[1, column]
        box = (0, image.shape[1], image.shape[0], 0)
        axis.imshow(image, extent=box)
        over = axis.imshow(
            received[head].reshape(grid), cmap="inferno", vmin=darkest, vmax=brightest, alpha=0.6, extent=box, interpolation="nearest"
        )
        axis.set_axis_off()
    figure.colorbar(drawn, ax=list(axes[0]), label="Q·Kᵀ·scale")
    if image is not None:
        figure.colorbar(over, ax=list(axes[1]), label="mean over queries")
    return figure


def raster_figure(title: str, spikes: Mapping[str, np.ndarray], across: str, down: str) -> Any:
    """Spikes ``[T, down, across]`` of some layers, a row each, with a column for every step."""
    steps = len(next(iter(spikes.values())))
    figure, axes = _new_figure(steps, len(spikes))
    figure.suptitle(title)
    for row, (name, array) in enumerate(spikes.items()):
        for step in range(steps):
            axis = axes[row, step]
            axis.imshow(array[step], cmap="gray_r", vmin=0, vmax=max(1, int(array.max())), aspect="auto", interpolation="nearest")
            axis.set_title(f"{name}, t = {step}: {float(array[step].mean()):.1%}", fontsize="small")
            axis.set_xlabel(across)
            if step == 0:
                axis.set_ylabel(down)
    return figure


def _check(core: Attention, wanted: Selection) -> None:
    """Raises SpkError if a core lacks what is asked for."""
    if wanted.head is not None and not 0 <= wanted.head < core.heads:
        raise SpkError(f"{core.layer} has no head {wanted.head}: the heads are 0 to {core.heads - 1}")
    if wanted.step is not None and not 0 <= wanted.step < core.steps:
        raise SpkError(f"{core.layer} has no time step {wanted.step}: the steps are 0 to {core.steps - 1}")
    if wanted.grid is not None and math.prod(wanted.grid) != core.tokens:
        grid = "x".join(map(str, wanted.grid))
        raise SpkError(f"{core.layer} has {core.tokens} tokens, --grid {grid} has {math.prod(wanted.grid)}")


class _Artist:
    """Draws one sample of a model."""

    def __init__(self, model: TappedModel, samples: Sequence[np.ndarray], wanted: Selection) -> None:
        self.wanted = wanted
        self.taps = model.run_one(samples, wanted.sample).taps  # of a batch, whose first is the sample
        info = model.compiled.inputs[0]
        sample = samples[0].take(wanted.sample, 1 if info.temporal else 0)
        recorded = info.temporal or sample.ndim == 4  # events [T, B, C, H, W] or [B, T, C, H, W]
        self.frames = sample if recorded else sample[None]

    def _heads(self, core: Attention) -> list[int]:
        return list(range(core.heads)) if self.wanted.head is None else [self.wanted.head]

    def attention(self, core: Attention) -> Any:
        """The map of a core; over the input if that is an image."""
        step = core.steps - 1 if self.wanted.step is None else self.wanted.step
        values = self.taps[core.tap][step, 0]  # [heads, N, N]
        maps, title = {head: values[head] for head in self._heads(core)}, f"{core.layer}, t = {step}"
        if core.scale is not None:
            title += f", scale {core.scale:g}"
        frame = self.frames[min(step, len(self.frames) - 1)]
        if frame.ndim != 3:
            return attention_figure(title, maps, None, None)
        grid = self.wanted.grid or token_grid(core.tokens, *frame.shape[1:], core.layer)
        return attention_figure(title, maps, picture(frame), grid)

    def operands(self, core: Attention) -> Any:
        """Query, key and value spikes of a core, one head below the other; None if no neuron fires them as they are."""
        spikes = {}
        for name in OPERANDS:
            array = getattr(core, name).read(self.taps)
            if array is None:
                return None
            by_head = core.by_head(array)[:, 0, self._heads(core)]  # [T, heads, N, d]
            steps, heads, tokens, width = by_head.shape
            spikes[name] = by_head.swapaxes(2, 3).reshape(steps, heads * width, tokens)
        return raster_figure(core.layer, spikes, "token", "channel")

    def neurons(self, tap: str) -> Any:
        """Spikes of a neuron layer, its first axis down and all others across."""
        spikes = self.taps[tap][:, 0]
        layer = tap.rsplit(":", 1)[0]
        return raster_figure(layer, {layer.rsplit(".", 1)[-1]: spikes.reshape(*spikes.shape[:2], -1)}, "other axes", "first axis")


def _matching(names: Sequence[str], globs: Sequence[str], what: str) -> set[str]:
    """Names that a glob matches.

    Raises:
        SpkError: if one matches none, with the names that there are.
    """
    for glob in globs:
        if not fnmatch.filter(names, glob):
            raise SpkError(f"{glob!r} matches no {what}; there are: {', '.join(dict.fromkeys(names)) or 'none'}")
    return {name for glob in globs for name in fnmatch.filter(names, glob)}


def _chosen_cores(cores: Sequence[Attention], wanted: Selection, name: str) -> list[Attention]:
    if wanted.cores is not None:
        layers = _matching([core.layer for core in cores], wanted.cores, "attention core that has a map")
        return [core for core in cores if core.layer in layers]
    if wanted.rasters:
        return []
    if not cores:
        raise SpkError(f"{name} has no attention core that has a map; --raster GLOB draws the spikes of neuron layers")
    return [cores[-1]]


def figures(model: TappedModel, samples: Sequence[np.ndarray], wanted: Selection) -> dict[str, Any]:
    """The figures of `draw`, as ``matplotlib.figure.Figure`` by name of the file; `model` has the taps that they need."""
    taps = [tap for _, tap in model.graph.neurons]
    layers = _matching([tap.rsplit(":", 1)[0] for tap in taps], wanted.rasters, "neuron layer")
    artist = _Artist(model, samples, wanted)
    drawn = {}
    for core in _chosen_cores(model.graph.maps, wanted, model.name):
        stem = core.tap.replace(":", ".")
        drawn |= {f"{stem}.png": artist.attention(core), f"{stem}.qkv.png": artist.operands(core)}
    drawn |= {f"{tap.replace(':', '.')}.png": artist.neurons(tap) for tap in taps if tap.rsplit(":", 1)[0] in layers}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def draw(module: Path, samples: Sequence[Samples], wanted: Selection | None = None, *, target_cpu: str = "host") -> dict[str, bytes]:
    """Compile a module with taps, run it on one sample and draw.

    Args:
        module: the ``.mlir`` file, with its weights beside it.
        samples: for every input an array of samples or its file, ``[N, ...]`` or
            ``[T, N, ...]``.
        wanted: what to draw.
        target_cpu: processor to compile for; never changes a picture.

    Returns:
        PNG files by name: ``CORE.attention.png`` and ``CORE.attention.qkv.png``,
        ``LAYER.spikes.png`` of neurons.

    Raises:
        SpkError: if something is asked for that the network does not have.
        ToolError: if it cannot be compiled.
    """
    wanted, arrays = wanted or Selection(), load_samples(samples)
    _new_figure(1, 1)  # what is missing should be said before compiling
    cores = _chosen_cores(read_graph(module).maps, wanted, module.stem)
    for core in cores:
        _check(core, wanted)
    model = compile_tapped(module, ["*:spikes", *(f"{core.layer}:attention" for core in cores)], target_cpu=target_cpu)
    return {name: _png(figure) for name, figure in figures(model, arrays, wanted).items()}
