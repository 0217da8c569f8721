"""Engines that ``run.py`` compares: each lives in a process of its own and works only when it is told to.

A worker loads a network, answers all inputs once, prints what it knows about
itself and then reads one command per line: the numbers of the inputs to time.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Call = Callable[[np.ndarray], np.ndarray]
WARM = 1  # calls of a turn that are not timed: the other engines emptied the caches


class Engine(ABC):
    """One way to compute a network."""

    label = ""  # for people
    fp32 = True  # whether its answers must be those of every other
    network = True  # whether it has answers at all
    peers = True  # whether it lives in the virtual environment of the benchmark
    needs: tuple[str, ...] = ()  # what ``peers.py`` makes for it at every batch size
    needs_one: tuple[str, ...] = ()  # and at batch size 1

    def __init__(self, options: argparse.Namespace) -> None:
        self.name: str = options.network
        self.folder: Path = options.folder
        self.peer_folder: Path = options.peer_folder
        self.threads: int = options.threads
        self.batch: int = options.batch
        self.split = False  # whether a batch runs image by image

    @abstractmethod
    def open(self, batch: int) -> Call:
        """A function from inputs to outputs at a batch size."""

    def file(self, batch: int) -> Path | None:
        """What is opened, if it is a file."""
        return None

    def version(self) -> str:
        """Of the software, once something was opened."""
        return ""

    def load(self) -> Call:
        """What is faster at this batch size: the whole batch, or image by image."""
        if self.batch == 1:
            return self.open(1)
        one = self.open(1)
        ways: list[Call] = [lambda x: np.concatenate([np.array(one(x[i : i + 1])) for i in range(len(x))])]
        file = self.file(self.batch)
        if file is None or file.exists():
            ways.append(self.open(self.batch))
        x = np.load(self.folder / "inputs.npy")[: self.batch]
        took = []
        for way in ways:
            way(x)
            start = time.perf_counter()
            way(x)
            took.append(time.perf_counter() - start)
        best = took.index(min(took))
        self.split = best == 0
        return ways[best]


class Spk(Engine):
    """A shared library made by ``spk-compile``."""

    label = "spk"
    peers = False

    def file(self, batch: int) -> Path:
        return self.folder / f"net-{batch}.so"

    def open(self, batch: int) -> Call:
        import spk

        self.model = spk.load(self.file(batch), self.threads)
        return self.model

    def load(self) -> Call:
        return self.open(self.batch)

    def version(self) -> str:
        data = self.model.metadata()
        return f"{data['compiler_version']} for {data['target_cpu']}"


class OpenVINO(Engine):
    """OpenVINO from ONNX, in fp32."""

    label = "OpenVINO fp32"
    needs = ("onnx",)
    precision = "f32"

    def file(self, batch: int) -> Path:
        return self.peer_folder / f"onnx-{batch}.onnx"

    def open(self, batch: int) -> Call:
        import openvino

        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
        }
        request = openvino.Core().compile_model(self.file(batch), "CPU", settings).create_infer_request()

        def call(x: np.ndarray) -> np.ndarray:
            request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
            request.infer()
            return request.get_output_tensor(0).data

        return call

    def version(self) -> str:
        import openvino

        return openvino.__version__.split("-")[0]


class OpenVINOBf16(OpenVINO):
    """The same with bf16 where OpenVINO likes it."""

    label = "OpenVINO bf16"
    precision = "bf16"
    fp32 = False


class OpenVINOInt8(OpenVINO):
    """Quantised by NNCF, image by image: quantising a large batch takes minutes."""

    label = "OpenVINO int8"
    needs = ()
    needs_one = ("onnx", "int8")
    fp32 = False

    def file(self, batch: int) -> Path:
        return self.peer_folder / f"int8-{batch}.xml"


class OnnxRuntime(Engine):
    """ONNX Runtime, fp32."""

    label = "ONNX Runtime"
    needs = ("onnx",)

    def file(self, batch: int) -> Path:
        return self.peer_folder / f"onnx-{batch}.onnx"

    def open(self, batch: int) -> Call:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = self.threads
        settings.inter_op_num_threads = 1
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(self.file(batch), settings, providers=["CPUExecutionProvider"])
        return lambda x: session.run(None, {"x": x})[0]

    def version(self) -> str:
        import onnxruntime

        return onnxruntime.__version__


class Eager(Engine):
    """PyTorch without a compiler."""

    label = "PyTorch eager"

    def torch(self) -> Any:
        """PyTorch, set up."""
        import torch

        torch.set_num_threads(self.threads)
        torch.set_grad_enabled(False)
        return torch

    def open(self, batch: int) -> Call:
        torch = self.torch()
        from peers import folded

        model = folded(self.name, self.folder, batch)[0]

        def call(x: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return model(torch.from_numpy(x)).numpy()

        return call

    def version(self) -> str:
        import torch

        return torch.__version__


class Compiled(Eager):
    """``torch.compile`` with freezing, linear layers by oneDNN: on x86 it would take MKL, which is slower here."""

    label = "torch.compile"

    def open(self, batch: int) -> Call:
        torch = self.torch()
        from peers import flat, prefer_onednn
        from torch._inductor import config

        config.freezing = True
        prefer_onednn()
        model = torch.compile(flat(self.name, self.folder, batch)[0])
        return lambda x: model(torch.from_numpy(x)).numpy()

    def load(self) -> Call:
        return self.open(self.batch)


class Aoti(Eager):
    """AOTInductor: a package made in advance."""

    label = "AOTInductor"
    needs = ("aoti",)

    def file(self, batch: int) -> Path:
        return self.peer_folder / f"aoti-{batch}.pt2"

    def open(self, batch: int) -> Call:
        torch = self.torch()
        from torch._inductor import aoti_load_package

        model = aoti_load_package(str(self.file(batch)))
        return lambda x: model(torch.from_numpy(x)).numpy()


class OneDNN(Engine):
    """Not a network but all its products, one after another, by oneDNN in fp32: what a dense engine cannot exceed by much."""

    label = "oneDNN products"
    network = False

    def load(self) -> Call:
        return self.open(self.batch)

    def open(self, batch: int) -> Call:
        import torch

        torch.set_num_threads(self.threads)
        torch.set_grad_enabled(False)
        shapes = json.loads((self.folder / "facts.json").read_text())["products"]
        ready: dict[str, Callable[[], Any]] = {}
        for shape in shapes:
            ready.setdefault(json.dumps(shape), self.product(torch, shape))
        calls = [ready[json.dumps(shape)] for shape in shapes]

        def call(_: np.ndarray) -> np.ndarray:
            for product in calls:
                product()
            return np.zeros((batch, 1), np.float32)

        return call

    def product(self, torch: Any, shape: dict[str, Any]) -> Callable[[], Any]:
        """A convolution or linear map on weights that oneDNN laid out itself, channels innermost."""
        weight = torch.randn(shape["weight"])
        images, *rest = shape["input"]
        images *= self.batch
        if shape["kind"] == "Conv2d" and weight.shape[-1] > 1:
            one, pad = [1, 1], [weight.shape[-1] // 2] * 2
            x = torch.randn(images, *rest).contiguous(memory_format=torch.channels_last)
            packed = torch._C._nn.mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), pad, one, one, 1, list(x.shape))
            return lambda: torch.ops.mkldnn._convolution_pointwise(x, packed, None, pad, one, one, 1, "none", [], "")
        weight = weight.reshape(weight.shape[:2])
        rows = int(np.prod([images, *rest])) // weight.shape[1]
        x = torch.randn(rows, weight.shape[1])
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
        return lambda: torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")


ENGINES: dict[str, type[Engine]] = {
    "spk": Spk,
    "openvino": OpenVINO,
    "openvino-bf16": OpenVINOBf16,
    "openvino-int8": OpenVINOInt8,
    "onnxruntime": OnnxRuntime,
    "eager": Eager,
    "compile": Compiled,
    "aoti": Aoti,
    "onednn": OneDNN,
}


def timed(call: Call, x: np.ndarray, threads: int) -> tuple[float, bool, Any]:
    """Milliseconds of a call, whether another process took the processor meanwhile, and the output.

    Of such a call one thread's own time counts; what several would have taken cannot be told.
    """
    switches, own = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw, time.process_time()
    start = time.perf_counter()
    output = call(x)
    took, own = time.perf_counter() - start, time.process_time() - own
    disturbed = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw != switches
    return 1e3 * (min(took, own) if disturbed and threads == 1 else took), disturbed, output


def serve(engine: Engine, answers: Path) -> None:
    """Load, answer an input, then obey the commands on standard input; at the end save all answers."""
    reply, sys.stdout = sys.stdout, sys.stderr  # whatever the engine prints is no reply
    inputs = np.load(engine.folder / "inputs.npy")
    count = len(inputs)
    batches = [np.ascontiguousarray(inputs[[(i + j) % count for j in range(engine.batch)]]) for i in range(count)]
    start = time.monotonic()
    call = engine.load()
    loaded = time.monotonic() - start
    outputs = {0: np.array(call(batches[0]))}
    answered = time.monotonic()
    file = engine.file(1 if engine.split else engine.batch)
    parts = [file, file.with_suffix(".bin")] if file is not None else []
    size = sum(part.stat().st_size for part in parts if part.exists())
    facts = {"answered": answered, "load_seconds": loaded, "version": engine.version(), "split": engine.split, "bytes": size}
    print(json.dumps(facts), file=reply, flush=True)
    for line in sys.stdin:
        which = json.loads(line)
        for i in range(WARM):
            call(batches[which[0] - 1 - i])
        times = []
        for i in which:
            took, disturbed, output = timed(call, batches[i], engine.threads)
            times.append((took, disturbed))
            if i not in outputs:
                outputs[i] = np.array(output)
        print(json.dumps({"times": times, "peak": peak()}), file=reply, flush=True)
    np.savez(answers, **{str(i): output for i, output in outputs.items()})


def peak() -> int:
    """Most bytes of memory that this process ever had; unlike getrusage without those of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main() -> int:
    """A worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("network")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--peer-folder", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--answers", type=Path, required=True)
    options = parser.parse_args()
    serve(ENGINES[options.engine](options), options.answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
