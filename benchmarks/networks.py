"""The networks of the benchmark: on a dyadic grid, at published densities, with their inputs.

On the grid every float32 sum is exact in any order, so every float32 engine
must give the same spikes, whatever it fuses or reorders.  `densities.json` says
how many inputs of every synapse are not zero; :func:`prepare` settles random
weights on that, once, and keeps them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from spk import dyadic, rates
from torch import Tensor, nn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "examples")]

from spikformer.spikformer import spikformer_cifar, spikformer_imagenet  # noqa: E402
from zoo.spike_driven_transformer import SpikeDrivenTransformer, spike_driven_transformer_imagenet  # noqa: E402
from zoo.spikingformer import spikingformer_imagenet  # noqa: E402

INPUTS = 16  # that take turns: a branch predictor learns the spikes of one
TOLERANCE = 0.02  # how far a density may be from the table


class _Logits(SpikeDrivenTransformer):
    """The Spike-driven Transformer without its second result, the dictionary of spikes."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x)[0]


def _spike_driven_transformer(**options: Any) -> nn.Module:
    model = spike_driven_transformer_imagenet(**options)
    model.__class__ = _Logits
    return model


@dataclass(frozen=True)
class Network:
    """How a network is made.

    Attributes:
        build: function that returns it, random, given its own keyword arguments.
        sew: whether residuals make streams of integers, so that not every synapse reads bits.
        settled_on: images that the densities are settled on; small ones differ more.
        until: see :func:`spk.dyadic.verify`.
        seed: of the random weights.
    """

    build: Callable[..., nn.Module]
    sew: bool
    settled_on: int = 4
    until: str | None = None
    seed: int = 0


NETWORKS = {
    "spikformer-4-384": Network(spikformer_cifar, sew=True, settled_on=16),
    "spikformer-8-512": Network(spikformer_imagenet, sew=True),
    "spikingformer-8-512": Network(spikingformer_imagenet, sew=False),
    "sdt-8-512": Network(_spike_driven_transformer, sew=False, until="head_lif"),
}


@dataclass(frozen=True)
class Row:
    """A row of the table: what share of the inputs of a synapse, or of the spikes of a neuron layer, is not zero.

    Attributes:
        density: the share, in [0, 1].
        neuron: glob of the neuron layers to settle for it; None where the density follows from others.
        synapse: glob of the synapses that read it; None if none reads it as it is.
        pool: whether a max-pool stands between the two.
    """

    density: float
    neuron: str | None = None
    synapse: str | None = None
    pool: bool = False


@dataclass
class Density:
    """Measured on all inputs: the share of inputs of a synapse, or of spikes of a neuron layer, that is not zero."""

    path: str
    density: float
    mean: float  # of integer streams it is larger than the density
    target: float | None = None  # None where the table asks for nothing

    @property
    def met(self) -> bool:
        """Whether it is within the tolerance of the table."""
        return self.target is None or abs(self.density - self.target) <= TOLERANCE


def table(name: str) -> list[Row]:
    """The rows of `densities.json` for a network."""
    content = json.loads((HERE / "densities.json").read_text())
    return [Row(**row) for row in content["networks"][name]]


def image(shape: tuple[int, int, int], seed: int) -> Tensor:
    """An image ``[1, C, H, W]`` whose neighbouring pixels are alike, as in photographs, on the grid of 1/16 in [0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    channels, height, width = shape
    total = torch.zeros(1, channels, height, width)
    cells = max(4, max(height, width) // 8)
    while cells <= max(height, width):
        noise = torch.randn(1, channels, min(cells, height), min(cells, width), generator=generator)
        total += nn.functional.interpolate(noise, (height, width), mode="bilinear") / cells**0.5
        cells *= 2
    total = (total - total.mean()) / total.std()
    return ((total * 0.2 + 0.5).clamp(0.0, 15.0 / 16.0) * 16).floor() / 16


def images(model: nn.Module, count: int = INPUTS) -> Tensor:
    """Different inputs of a network."""
    return torch.cat([image((model.in_channels, *model.image_size), seed) for seed in range(count)])


def settle(model: nn.Module, rows: list[Row], example: Tensor, until: str | None = None) -> None:
    """Put a network on the grid, at the densities of a table, and prove on the first image that its float32 sums are exact."""
    pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    asked = {row.neuron: (row.density, pool) if row.pool else row.density for row in rows if row.neuron}
    low = min([dyadic.LOW, *(0.5 * row.density for row in rows)])
    dyadic.settle(model, (example,), low=low, output="rounded", until=until, rates=asked, proof=(example[:1],))


def measure(model: nn.Module, rows: list[Row], inputs: Tensor) -> tuple[list[Density], Tensor]:
    """Densities of all synapses and of neurons in the table, over all inputs one by one, and the outputs."""
    found: dict[str, list[float]] = {}  # by path: not zero, sum, elements
    neurons = rates.neuron_classes()

    def see(path: str, x: Tensor) -> None:
        entry = found.setdefault(path, [0.0, 0.0, 0.0])
        for i, value in enumerate((torch.count_nonzero(x).item(), x.sum(dtype=torch.float64).item(), x.numel())):
            entry[i] += value

    handles = []
    for path, module in model.named_modules():
        if isinstance(module, rates.SYNAPSES):
            handles.append(module.register_forward_pre_hook(lambda _m, x, path=path: see(path, x[0])))
        elif type(module) in neurons and any(row.neuron and not row.synapse and fnmatchcase(path, row.neuron) for row in rows):
            handles.append(module.register_forward_hook(lambda _m, _x, y, path=path: see(path, y)))
    with rates.hooked(handles):
        outputs = torch.cat([rates.run(model, (inputs[i : i + 1],)) for i in range(len(inputs))])

    def target(path: str) -> float | None:
        return next((row.density for row in rows if fnmatchcase(path, row.synapse or row.neuron or "")), None)

    return [Density(path, e[0] / e[2], e[1] / e[2], target(path)) for path, e in found.items()], outputs


def load(name: str, weights: Path) -> nn.Module:
    """A network with settled weights."""
    model = NETWORKS[name].build().eval()
    model.load_state_dict(load_file(weights))
    for module in model.modules():
        if isinstance(module, rates.NORMS):
            module.eps = dyadic.EPS
    return model


def products(model: nn.Module, example: Tensor) -> list[dict[str, Any]]:
    """Shapes of all synapses that a dense implementation computes for an input, the first convolution at one time step."""
    found: list[dict[str, Any]] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        x = inputs[0]
        steps = 1 if found else model.T  # of which one is computed
        shape = [x.shape[0] // steps, *x.shape[1:]]
        macs = module.weight[0].numel() * output.numel() // steps
        found.append({"kind": type(module).__name__, "input": shape, "weight": list(module.weight.shape), "macs": macs})

    with rates.hooked([m.register_forward_hook(see) for m in model.modules() if isinstance(m, rates.SYNAPSES)]):
        rates.run(model, (example,))
    return found


def prepare(name: str, folder: Path) -> None:
    """Write what measuring a network needs into ``folder``: weights, inputs, outputs and what is known about them."""
    network, rows = NETWORKS[name], table(name)
    torch.manual_seed(network.seed)
    model = network.build().eval()
    inputs = images(model)
    settle(model, rows, inputs[: network.settled_on], network.until)
    densities, outputs = measure(model, rows, inputs)
    shapes = products(model, inputs[:1])
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "settled.safetensors")
    np.save(folder / "inputs.npy", inputs.numpy())
    np.save(folder / "outputs.npy", outputs.numpy())
    facts = {
        "densities": [asdict(density) | {"met": density.met} for density in densities],
        "products": shapes,
        "gmac": sum(shape["macs"] for shape in shapes) / 1e9,
        "settled_on": network.settled_on,
        "until": network.until,
    }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1))


def main() -> int:
    """Prepare a network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("folder", type=Path, help="where to write")
    options = parser.parse_args()
    prepare(options.name, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
