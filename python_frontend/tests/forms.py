"""Small models that write the same mathematics in different ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from spk.neuron import QCFS, IFNode, ILIFNode, LIFNode, MultiSpike, SignedIFNode

ATTENTION = ("q_scaled", "kv_first", "bmm", "token_last_qk", "token_last_kv", "odd_scale", "transposed_map", "one_head")


class PerStep(nn.Module):
    """A loop over time with single-step neurons that keep their state."""

    def __init__(self, images: bool) -> None:
        super().__init__()
        from spikingjelly.activation_based import neuron

        self.images = images
        self.conv = nn.Conv2d(2, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.lif = neuron.LIFNode()
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.bn2 = nn.BatchNorm2d(8)
        self.lif2 = neuron.LIFNode(v_reset=None)
        self.fc = nn.Linear(8, 5)

    def step(self, x: Tensor) -> Tensor:
        a = self.lif(self.bn(self.conv(x)))
        return a + self.lif2(self.bn2(self.conv2(a)))

    def forward(self, x: Tensor) -> Tensor:
        if not self.images:
            y = torch.stack([self.step(x[t]) for t in range(x.shape[0])])
            return self.fc(y.flatten(3).mean(-1)).mean(0)
        out = torch.zeros(())
        for _ in range(4):
            out = out + self.fc(self.step(x).mean((2, 3)))
        return out / 4


class Events(nn.Module):
    """Event data ``[B, T, C, H, W]``, which the model itself puts time first."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.node = IFNode(v_threshold=0.75)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(0, 1)
        steps, batch = x.shape[:2]
        x = self.node(self.bn(self.conv(x.flatten(0, 1))).unflatten(0, (steps, batch)))
        x = self.pool(x.flatten(0, 1)).unflatten(0, (steps, batch))
        return self.fc(x.flatten(3).mean(3))


class Attention(nn.Module):
    """An attention core written in one of the forms of `ATTENTION`, or with a ReLU on its map, on ``[T, B, N, C]``."""

    def __init__(self, form: str, channels: int = 24, heads: int = 3) -> None:
        super().__init__()
        self.form, self.heads = form, heads
        for name in "qkv":
            self.add_module(name, nn.Linear(channels, channels))
            self.add_module(f"{name}_bn", nn.BatchNorm1d(channels))
            self.add_module(f"{name}_lif", LIFNode())
        self.attn_lif = LIFNode(v_threshold=0.5)

    def spikes(self, name: str, x: Tensor) -> Tensor:
        y = self.get_submodule(name)(x.flatten(0, 1))
        y = self.get_submodule(f"{name}_bn")(y.transpose(1, 2)).transpose(1, 2)
        return self.get_submodule(f"{name}_lif")(y.reshape(x.shape))

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        t, b, n, c = q.shape
        d = c // self.heads

        def first(x: Tensor) -> Tensor:
            return x.reshape(t, b, n, self.heads, d).permute(0, 1, 3, 2, 4)

        def last(x: Tensor) -> Tensor:
            return x.transpose(2, 3).reshape(t, b, self.heads, d, n)

        if self.form == "q_scaled":
            return (first(q) * 0.25) @ first(k).transpose(-1, -2) @ first(v)
        if self.form == "kv_first":
            return first(q) @ (first(k).transpose(-1, -2) @ first(v) * 0.125)
        if self.form == "bmm":
            q, k, v = (first(x).reshape(t * b * self.heads, n, d) for x in (q, k, v))
            return torch.bmm(torch.bmm(q, k.mT) / 8, v).reshape(t, b, self.heads, n, d)
        if self.form == "token_last_qk":
            return ((last(v) @ (last(k).transpose(-1, -2) @ last(q))) * 0.125).transpose(-1, -2)
        if self.form == "token_last_kv":
            return ((last(v) @ last(k).transpose(-1, -2)) @ last(q)).transpose(-1, -2) * 0.125
        if self.form == "odd_scale":
            return (first(q) @ first(k).transpose(-1, -2) * 0.3) @ first(v)
        if self.form == "transposed_map":
            return (first(k) @ first(q).transpose(-1, -2)).transpose(-1, -2) @ first(v) * 0.125
        if self.form == "relu_of_map":
            return torch.relu(first(q) @ first(k).transpose(-1, -2) * 0.5 - 0.25) @ first(v)
        raise ValueError(self.form)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (self.spikes(name, x) for name in "qkv")
        if self.form == "one_head":
            return self.attn_lif((q @ k.transpose(-1, -2) * 0.125) @ v)
        return self.attn_lif(self.core(q, k, v).transpose(2, 3).reshape(x.shape))


class Membrane(nn.Module):
    """A float residual stream with a position embedding; two named outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.pos = nn.Parameter(torch.randint(-4, 4, (1, 8, 6, 6)) / 8.0)
        self.lif = LIFNode()
        self.conv2 = nn.Conv2d(8, 8, 1)
        self.bn = nn.BatchNorm2d(8)
        self.lif2 = LIFNode()
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = x.unsqueeze(0).expand(4, -1, -1, -1, -1)
        t, b = x.shape[:2]
        stream = (self.conv(x.reshape(t * b, 3, 6, 6)) + self.pos).reshape(t, b, 8, 6, 6)
        stream = stream + self.bn(self.conv2(self.lif(stream).flatten(0, 1))).reshape_as(stream)
        spikes = self.lif2(stream)
        return {"logits": self.fc(spikes.flatten(3).mean(-1)), "spikes": spikes}


class Twice(nn.Module):
    """One neuron called twice: the second call continues from the first one's state."""

    def __init__(self) -> None:
        super().__init__()
        from spikingjelly.activation_based import neuron

        self.fc = nn.Linear(6, 6)
        self.bn = nn.BatchNorm1d(6)
        self.lif = neuron.LIFNode(step_mode="m")

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        current = self.bn(self.fc(x.flatten(0, 2))).reshape(x.shape)
        return self.lif(self.lif(current) + current), None


class IntegerNeurons(nn.Module):
    """Layers that fire integers, with state and without, on ``[T, B, C, H, W]``; a max-pool and a sum of them."""

    def __init__(self, ilif: Callable[[], nn.Module] = ILIFNode) -> None:
        super().__init__()
        self.neurons = nn.ModuleList(
            [ilif(), MultiSpike(), MultiSpike(6, norm=1.0, rounding="half_up"), ILIFNode(levels=2, rounding="half_up")]
        )
        self.convs = nn.ModuleList(
            [nn.Conv2d(2, 8, 3, padding=1), *(nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in self.neurons[1:])]
        )
        self.norms = nn.ModuleList([nn.BatchNorm2d(8) for _ in self.neurons])
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8, 5)

    def fire(self, i: int, x: Tensor) -> Tensor:
        return self.neurons[i](self.norms[i](self.convs[i](x.flatten(0, 1))).unflatten(0, x.shape[:2]))

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.fire(1, self.fire(0, x)).flatten(0, 1)).unflatten(0, x.shape[:2])
        y = self.fire(2, x)
        return self.fc((y + self.fire(3, y)).flatten(3).mean(3)).mean(0)


class Converted(nn.Module):
    """An activation of an ANN and the signed neurons of an SNN behind it, on ``[T, B, N, C]``."""

    def __init__(self) -> None:
        super().__init__()
        self.neurons = nn.ModuleList([QCFS(8, up=2.0), SignedIFNode(3, scale=2.0), SignedIFNode(2), QCFS(4, up=1.0)])
        self.maps = nn.ModuleList([nn.Linear(6, 6, bias=i == 0) for i in range(4)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(6) for _ in self.neurons])

    def forward(self, x: Tensor) -> Tensor:
        for linear, norm, neuron in zip(self.maps, self.norms, self.neurons, strict=True):
            x = neuron(norm(linear(x.flatten(0, 2))).reshape(x.shape))
        return x.mean(0)


class _HalfEven(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.round(torch.clamp(x, min=0, max=4))


class _HalfUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.floor(torch.clamp(x, 0, 4) + 0.5)


class Quantised(nn.Module):
    """One of the roundings, divided by 4."""

    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function.apply(x) / 4


class WrittenOut(nn.Module):
    """Integer neurons without state as published code writes them, on images ``[B, C, H, W]``; logits and their spikes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 1)
        self.quant1, self.quant2 = Quantised(_HalfEven), Quantised(_HalfUp)
        self.bn1, self.bn2 = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        self.lif = LIFNode()
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.quant1(self.bn1(self.conv1(x)))
        x = self.quant2(self.bn2(self.conv2(x)))
        logits = self.fc(x.mean((2, 3)))
        return logits, self.lif(logits.unsqueeze(0).repeat(4, 1, 1))


class Erode(nn.Module):
    """A max-pool over three dimensions of which one stays: images first, then tokens and channels of every head."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool3d(kernel_size=(1, 3, 3), stride=(1, 1, 1), padding=(0, 1, 1))
        self.halve = nn.MaxPool3d((1, 2, 2))
        self.conv, self.bn = nn.Conv2d(2, 8, 1), nn.BatchNorm2d(8)
        self.k_lif, self.v_lif = LIFNode(), LIFNode(v_threshold=0.5)
        self.kv_lif = LIFNode(tau=4.0)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        t, b, _, h, w = x.shape
        current = self.bn(self.conv(x.flatten(0, 1))).reshape(t, b, 8, h, w)
        k, v = self.pool(self.k_lif(current)), self.v_lif(current)
        k, v = (y.flatten(3).transpose(-1, -2).reshape(t, b, h * w, 2, 4).permute(0, 1, 3, 2, 4) for y in (k, v))
        kv = self.kv_lif(self.pool(k.mul(v)).sum(dim=-2, keepdim=True))
        y = self.pool(v.mul(kv)).transpose(3, 4).reshape(t, b, 8, h, w)
        return self.fc(self.halve(y).flatten(3).mean(-1))


class Activations(nn.Module):
    """ReLU and LeakyReLU, with slopes on both sides of 1, on images and on tokens; of spikes, too, which they leave alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(2, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.lif = LIFNode()
        self.relu, self.leaky, self.steep = nn.ReLU(inplace=True), nn.LeakyReLU(0.25), nn.LeakyReLU(1.5, inplace=True)
        self.conv2, self.bn2 = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)
        self.fc, self.norm = nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.fc2, self.norm2 = nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.last = LIFNode()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        steps, batch = x.shape[:2]
        x = torch.relu(self.lif(self.bn(self.conv(x.flatten(0, 1))).unflatten(0, (steps, batch))))
        y = self.relu(self.bn2(self.conv2(nn.functional.leaky_relu(x).flatten(0, 1))))
        y = y.flatten(2).transpose(1, 2)
        y = self.leaky(self.norm(self.fc(y).transpose(1, 2)))
        z = self.norm2(self.fc2(y.transpose(1, 2)).transpose(1, 2))
        return self.last(self.steep(z).unflatten(0, (steps, batch))), y.unflatten(0, (steps, batch))


class Inhibits(nn.Module):
    """Spikes that stop others, ``y * (1 - x)``; the input gets its time axis in place."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.bn = nn.Linear(6, 8), nn.BatchNorm1d(8)
        self.first, self.second = LIFNode(), IFNode(v_threshold=0.5)
        self.fc2, self.bn2 = nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.last = LIFNode()
        self.out = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x * 1.0
        x.unsqueeze_(0)
        x = self.bn(self.fc(x.repeat(4, 1, 1)).flatten(0, 1)).reshape(4, -1, 8)
        x = self.second(x) * (1.0 - self.first(x))
        x = self.last(self.bn2(self.fc2(x).flatten(0, 1)).reshape(4, -1, 8))
        return 2 - self.out(x).mean(0)


class Rearranged(nn.Module):
    """Views written with einops."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(2, 8, 1, bias=False), nn.BatchNorm2d(8)
        self.lif, self.attn_lif = LIFNode(), LIFNode(v_threshold=0.5)
        self.fc = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        from einops import rearrange, reduce, repeat

        x = repeat(x, "b c h w -> t b c h w", t=4)
        y = rearrange(self.bn(self.conv(rearrange(x, "t b c h w -> (t b) c h w"))), "(t b) c h w -> t b c h w", t=4)
        q = rearrange(self.lif(y), "t b (heads d) h w -> t b heads (h w) d", heads=2)
        y = rearrange(q @ q.transpose(-1, -2) @ q * 0.125, "t b heads n d -> t b (heads d) n")
        return self.fc(reduce(self.attn_lif(y), "t b c n -> b c", "mean"))


class LayerScale(nn.Module):
    """Factors of channels, innermost and not, of a stream and of spikes, ``[T, B, N, C]``."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.bn1, self.fc2, self.bn2 = nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Conv1d(6, 6, 1), nn.BatchNorm1d(6)
        self.lif, self.last = LIFNode(), LIFNode()
        self.inner = nn.Parameter(torch.tensor([0.5, 1.0, 2.0, -1.0, 0.25, 4.0]))
        self.outer = nn.Parameter(torch.tensor([1.0, 0.5, -2.0, 1.0, 2.0, 0.5]))

    def forward(self, x: Tensor) -> Tensor:
        lead = x.shape[:2]
        y = x + self.inner * self.bn1(self.fc1(x).flatten(0, 1).transpose(1, 2)).transpose(1, 2).unflatten(0, lead)
        y = self.bn2(self.fc2((self.lif(y) * self.inner).flatten(0, 1).transpose(1, 2))).unflatten(0, lead)
        return self.last(y * self.outer[:, None] + x.transpose(-1, -2))


def grid(*shape: int) -> Tensor:
    """Random multiples of 1/16."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 16, shape, generator=generator) / 16.0


Case = tuple[str, Callable[[], nn.Module], tuple[Tensor, ...]]


def cases() -> Iterator[Case]:
    """Name, builder and example of every form."""
    yield "per_step_sequence", lambda: PerStep(images=False), (grid(4, 2, 2, 8, 8),)
    yield "per_step_image", lambda: PerStep(images=True), (grid(2, 2, 8, 8),)
    yield "events_batch_first", Events, (grid(2, 5, 2, 6, 6),)
    for form in ATTENTION:
        yield f"attention_{form}", lambda form=form: Attention(form), (grid(3, 2, 7, 24) * 4,)
    yield "attention_relu_of_map", lambda: Attention("relu_of_map"), (grid(3, 2, 7, 24) * 4,)
    yield "max_pool_of_three_dimensions", Erode, (grid(4, 2, 2, 6, 4) * 4,)
    yield "activations", Activations, (grid(3, 2, 2, 4, 6) * 4,)
    yield "inhibition", Inhibits, (grid(3, 6) * 4,)
    if find_spec("einops") is not None:
        yield "einops", Rearranged, (grid(2, 2, 4, 4) * 4,)
    yield "factors_of_channels", LayerScale, (grid(3, 2, 5, 6) * 4,)
    yield "membrane_stream", Membrane, (grid(2, 3, 6, 6),)
    yield "converted", Converted, (grid(4, 2, 3, 6) * 4,)
    yield "integer_neurons", IntegerNeurons, (grid(3, 2, 2, 8, 8),)
    yield "integer_neurons_written_out", WrittenOut, (grid(2, 3, 4, 8),)
    yield "neuron_called_twice", Twice, (grid(4, 2, 3, 6) * 4,)
