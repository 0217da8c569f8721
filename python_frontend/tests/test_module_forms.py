"""Modules as people write them: hooks, tuples, dead parts, branches on constants, einops layers, time among the features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import forms
import pytest
from agreement import agree, seeded
from torch import Tensor, nn

from spk.neuron import LIFNode
from spk.shims import stand_ins

TOKENS = (forms.grid(4, 2, 6, 8) * 4,)
IMAGES = (forms.grid(2, 3, 8, 8) * 4,)


class Projection(nn.Module):
    """Linear map, batch norm and neuron on ``[T, B, N, C]``."""

    def __init__(self, channels: int, threshold: float = 1.0) -> None:
        super().__init__()
        self.fc, self.bn, self.lif = nn.Linear(channels, channels), nn.BatchNorm1d(channels), LIFNode(v_threshold=threshold)

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(self.bn(self.fc(x).flatten(0, 2)).reshape(x.shape))


class Chunks(nn.Module):
    """Attention between the tokens of `chunk` neighbouring time steps, as STAtten has it."""

    def __init__(self, chunk: int) -> None:
        super().__init__()
        self.chunk = chunk
        self.q, self.k, self.v = (Projection(8) for _ in range(3))
        self.attn_lif, self.proj, self.fc = LIFNode(v_threshold=0.5), Projection(8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        t, b, n, c = x.shape
        chunks = t // self.chunk

        def several_steps(y: Tensor) -> Tensor:
            y = y.reshape(t, b, n, 2, c // 2).permute(0, 1, 3, 2, 4)
            y = y.reshape(chunks, self.chunk, b, 2, n, c // 2).permute(0, 2, 3, 1, 4, 5)
            return y.reshape(chunks, b, 2, self.chunk * n, c // 2)

        q, k, v = (several_steps(project(x)) for project in (self.q, self.k, self.v))
        y = q @ (k.transpose(-2, -1) @ v * 0.25)
        y = y.reshape(chunks, b, 2, self.chunk, n, c // 2).permute(0, 3, 1, 2, 4, 5).reshape(t, b, 2, n, c // 2)
        y = self.attn_lif(y.transpose(2, 3).reshape(t, b, n, c))
        return self.fc(self.proj(y).sum(2) * 0.125).mean(0)


class StepsAsTokens(nn.Module):
    """Attention of every token between its own time steps."""

    def __init__(self) -> None:
        super().__init__()
        self.lif, self.proj, self.fc = Projection(8), Projection(8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        s = self.lif(x).transpose(0, 2)  # [N, B, T, C]
        y = (s @ s.transpose(-2, -1) * 0.25) @ s
        return self.fc(self.proj(y.transpose(0, 2)).sum(2) * 0.125).mean(0)


class WeightsOfTime(nn.Module):
    """A head with a weight for every token and time step, as SGLFormer has it."""

    def __init__(self) -> None:
        super().__init__()
        self.lif, self.lif2 = Projection(8), Projection(8)
        self.conv, self.bn, self.fc = nn.Conv2d(8, 8, (6, 4), groups=8), nn.BatchNorm2d(8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.lif(x)
        x = (x + self.lif2(x)).permute(1, 3, 2, 0)  # [B, C, N, T]
        return self.fc(self.bn(self.conv(x)).reshape(x.shape[0], -1))


with stand_ins():
    from timm.models.layers import DropPath, to_2tuple, trunc_normal_


class Block(nn.Module):
    """A residual block that fills a dictionary when there is one, and passes it on."""

    def __init__(self, index: int, kind: str) -> None:
        super().__init__()
        self.index, self.kind = index, kind
        self.body = nn.Sequential(*(Projection(8) for _ in range(2)))
        self.drop_path = DropPath(0.2) if index else nn.Identity()
        self.dead = nn.MultiheadAttention(8, 2)  # as published blocks keep layers that nothing calls
        trunc_normal_(self.body[0].fc.weight, std=0.5)

    def forward(self, x: Tensor, hook: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor] | None]:
        y = self.body[0](x)
        if hook is not None:
            hook[f"{self._get_name()}{self.index}"] = y.detach()
        if self.kind == "float":
            x = x * 0.5
        elif self.training:
            x = x.roll(1)
        return x + self.drop_path(self.body[1](y)), hook


class Blocks(nn.Module):
    """Patches, blocks in a `ModuleList`, shape arithmetic, branches on constants; a tuple as the result."""

    def __init__(self, hook: bool = True) -> None:
        super().__init__()
        patch = to_2tuple(2)
        self.T, self.hook, self.depths = 4, hook, 2
        self.proj, self.bn, self.lif = nn.Conv2d(3, 8, patch, stride=patch, bias=False), nn.BatchNorm2d(8), LIFNode()
        self.blocks = nn.ModuleList([Block(i, "spikes") for i in range(self.depths)])
        self.dropout, self.head = nn.Dropout(0.1), nn.Linear(8, 3)
        self.head_kd = nn.Linear(8, 3) if not hook else nn.Identity()

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor] | None]:
        if len(x.shape) < 5:
            x = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        T, B, _, H, W = x.shape
        N = (H // 2) * (W // 2)
        x = self.bn(self.proj(x.flatten(0, 1)))
        x = self.lif(x.reshape(T, B, -1, H // 2, W // 2).contiguous()).flatten(3).transpose(-1, -2)
        assert x.shape[2] == N
        hook: dict[str, Tensor] | None = {} if self.hook else None
        for i, block in enumerate(self.blocks):
            x, hook = block(x, hook=hook if i < self.depths - 1 else None) if i else block(x, hook)
        x = x.sum(2).div_(N) if x.dim() == 3 else x.mean(2)
        x = self.head(self.dropout(x))
        return x.mean(0), hook


class Layers(nn.Module):
    """Views as layers of einops."""

    def __init__(self) -> None:
        super().__init__()
        from einops.layers.torch import Rearrange, Reduce

        self.body = nn.Sequential(
            Rearrange("t b n c -> (t b) n c"),
            nn.Linear(8, 8),
            Rearrange("tb n c -> tb c n"),
            nn.BatchNorm1d(8),
            Rearrange("(t b) c n -> t b n c", t=4),
        )
        self.lif, self.proj = LIFNode(), Projection(8)
        self.split = Rearrange("t b n (h d) -> t b h n d", h=2)
        self.head = nn.Sequential(Reduce("t b n c -> t b c", "mean"), nn.Linear(8, 3), Reduce("t b c -> b c", "mean"))

    def forward(self, x: Tensor) -> Tensor:
        q = self.split(self.lif(self.body(x)))
        y = (q @ q.transpose(-1, -2) @ q * 0.25).transpose(2, 3).flatten(3)
        return self.head(self.proj(y))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, ...], bool]] = {
    "chunks_of_two": (lambda: Chunks(2), TOKENS, False),
    "one_chunk": (lambda: Chunks(4), TOKENS, False),
    "steps_as_tokens": (StepsAsTokens, TOKENS, False),
    "weights_of_time": (WeightsOfTime, TOKENS, False),
    "blocks": (lambda: Blocks(False), IMAGES, True),
    "blocks_with_hook": (lambda: Blocks(True), IMAGES, True),
    "layers_of_einops": (Layers, (forms.grid(4, 2, 8, 8) * 4,), True),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees(name: str, tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    need_tool("spk-compile")
    if "einops" in name:
        pytest.importorskip("einops", reason="einops is not installed")
    build, inputs, streams = CASES[name]
    refused = agree(seeded(build), inputs, tmp_path, layers=2)
    assert (refused == "") == streams
    reasons = ("looks across time", "time axis is not that of the steps", "depends on single steps")
    assert streams or any(reason in refused for reason in reasons), refused
