"""Networks as the engines of other projects take them; runs in the virtual environment of the benchmark.

    python benchmarks/peers.py NETWORK FOLDER OUTPUT KIND...

KIND is ``onnx:BATCH``, ``int8:BATCH`` (by NNCF, from ``onnx:BATCH``) or ``aoti:BATCH``.  How long it took is in
``OUTPUT/KIND.json``.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import networks
import numpy as np
import torch
from folding import flatten, fold
from torch import Tensor, nn

CALIBRATED_ON = 4  # images, for int8


def folded(name: str, folder: Path, batch: int = 1) -> tuple[nn.Module, Tensor]:
    """A network as the others get it, and an input.

    Raises:
        SystemExit: if folding changed a bit.
    """
    model = networks.load(name, folder / "settled.safetensors")
    x = torch.from_numpy(np.load(folder / "inputs.npy")[:batch])
    result = fold(model, x[:1])
    with torch.inference_mode():
        if not torch.equal(model(x[:1]), result(x[:1])):
            raise SystemExit(f"{name}: folding batch norms changed the answer")
    return result, x


def flat(name: str, folder: Path, batch: int = 1) -> tuple[nn.Module, Tensor]:
    """The same for PyTorch's compiler, which is faster so."""
    model, x = folded(name, folder, batch)
    return flatten(model), x


def prefer_onednn() -> None:
    """Let PyTorch's compiler take oneDNN for linear layers in fp32, as it does on Arm and for packages of AOTInductor."""
    from torch._inductor.fx_passes import mkldnn_fusion

    class Operators:
        """Those of oneDNN, on a processor where they are preferred to MKL's."""

        def __getattr__(self, name: str) -> Any:
            return getattr(torch.ops.mkldnn, name)

        def _is_mkldnn_acl_supported(self) -> bool:
            return True

    mkldnn_fusion.mkldnn = Operators()


def to_onnx(name: str, folder: Path, output: Path, batch: int) -> None:
    """All shapes are static, weights are inside.

    The exporter that traces is several times as fast as the one on torch.export; the graphs run equally fast.
    """
    model, x = folded(name, folder, batch)
    file = str(output / f"onnx-{batch}.onnx")
    torch.onnx.export(model, (x,), file, dynamo=False, input_names=["x"], output_names=["y"], opset_version=18)


def to_int8(folder: Path, output: Path, batch: int) -> None:
    """Post-training quantisation, calibrated on inputs of the benchmark."""
    import nncf
    import openvino

    inputs = np.load(folder / "inputs.npy")
    batches = [inputs[i : i + batch] for i in range(0, min(len(inputs), CALIBRATED_ON * batch), batch)]
    model = openvino.Core().read_model(output / f"onnx-{batch}.onnx")
    quantized = nncf.quantize(model, nncf.Dataset(batches), subset_size=len(batches))
    openvino.save_model(quantized, output / f"int8-{batch}.xml", compress_to_fp16=False)


def to_aoti(name: str, folder: Path, output: Path, batch: int) -> None:
    """A package of AOTInductor, weights frozen."""
    import torch._inductor

    model, x = flat(name, folder, batch)
    file = str(output / f"aoti-{batch}.pt2")
    with torch.no_grad():
        program = torch.export.export(model, (x,), strict=False)
        torch._inductor.aoti_compile_and_package(program, package_path=file, inductor_configs={"freezing": True})


def main(arguments: list[str]) -> int:
    """Make what is missing."""
    name, folder, output = arguments[0], Path(arguments[1]), Path(arguments[2])
    output.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    for kind in arguments[3:]:
        note = output / f"{kind.replace(':', '-')}.json"
        if note.exists():
            continue
        what, _, batch = kind.partition(":")
        start = time.monotonic()
        if what == "onnx":
            to_onnx(name, folder, output, int(batch))
        elif what == "int8":
            to_int8(folder, output, int(batch))
        elif what == "aoti":
            to_aoti(name, folder, output, int(batch))
        else:
            raise SystemExit(f"no kind {kind}")
        note.write_text(json.dumps({"seconds": time.monotonic() - start}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
