"""What the benchmark has to know about the processor it runs on."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path


@cache
def _described() -> dict[str, str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    pairs = [line.split(":", 1) for line in lines if ":" in line]
    return {key.strip(): value.strip() for key, value in reversed(pairs)}


def flags() -> frozenset[str]:
    """Extensions of the instruction set, as Linux names them."""
    described = _described()
    return frozenset((described.get("flags") or described.get("Features", "")).split())


def vector_bytes(known: frozenset[str]) -> int:
    """Bytes of the widest vector register."""
    return 64 if "avx512f" in known else 32 if "avx2" in known else 16


def has_bf16(known: frozenset[str]) -> bool:
    """Whether it multiplies bf16; OpenVINO computes in fp32 where it does not, whatever it is asked for."""
    return bool(known & {"avx512_bf16", "amx_bf16", "bf16"})


def processor() -> str:
    """Its name, and what its vectors are."""
    name = _described().get("model name", platform.machine())
    known = flags()
    vectors = next((label for flag, label in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON")) if flag in known), "")
    bf16 = "" if has_bf16(known) else ", no bf16"
    return f"{name} ({vectors}{bf16})" if vectors else name
