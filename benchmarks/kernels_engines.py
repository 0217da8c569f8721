"""Engines that ``kernels.py`` compares: each lives in a process of its own and works only when it is told to.

A worker reads one JSON command per line and answers each with one line:
``load`` a layer, ``time`` one pass over its inputs, ``answer`` one input.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from kernels_layers import INPUTS, LAYERS, MODEL_DENSITY, Cell, Layer, make_input, make_parameters, pack

DENSE_INPUT = Cell(MODEL_DENSITY)  # of rivals, whose time does not depend on it
WARM = 2  # calls of a pass that are not timed: the other engines emptied the caches


class Engine(ABC):
    """One way to compute a layer."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder, self.threads = folder, threads

    @abstractmethod
    def load(self, layer: Layer, cells: list[Cell]) -> list[str]:
        """Prepare a layer; returns the names of the ways to compute it."""

    @abstractmethod
    def call(self, way: str) -> Callable[[int], Any]:
        """A function of the number of an input."""

    @abstractmethod
    def answer(self, way: str, cell: Cell, index: int) -> list[np.ndarray]:
        """Results for one input, per part."""

    def times(self, way: str) -> list[tuple[float, bool]]:
        """One pass over the inputs: ms, and whether another process took the processor meanwhile.

        Of such a call one thread's own time counts; what several would have taken cannot be told.
        """
        call = self.call(way)
        for i in range(WARM):
            call(INPUTS - 1 - i)
        times = []
        for i in range(INPUTS):
            switches, own = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw, time.process_time()
            start = time.perf_counter()
            call(i)
            took, own = time.perf_counter() - start, time.process_time() - own
            disturbed = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw != switches
            times.append((1e3 * (min(took, own) if disturbed and self.threads == 1 else took), disturbed))
        return times


class Spk(Engine):
    """Compiled layers; a way is the label of a cell. Norm, neuron and packing included, words in and out."""

    def load(self, layer: Layer, cells: list[Cell]) -> list[str]:
        import spk

        self.layer, self.cells = layer, {cell.label: cell for cell in cells}
        self.models, self.calls, self.outputs = {}, {}, {}
        for label, cell in self.cells.items():
            model = spk.load(artefact(self.folder, layer, cell), self.threads)
            inputs = [self.prepare(cell, i) for i in range(INPUTS)]
            self.outputs[label] = [np.empty(o.shape, o.dtype) for o in model.outputs]
            self.models[label] = model
            self.calls[label] = self.bind(model, inputs, self.outputs[label])
        return list(self.cells)

    def prepare(self, cell: Cell, index: int) -> list[np.ndarray]:
        values = make_input(self.layer, cell, index)
        if self.layer.kind == "first":
            return [values[0]]
        parts = np.split(values, 3, axis=-1) if self.layer.kind == "ssa" else [values]
        return [pack(part, cell.planes) for part in parts]

    @staticmethod
    def bind(model: Any, inputs: list[list[np.ndarray]], outputs: list[np.ndarray]) -> Callable[[int], Any]:
        """Calls through the C interface without copies or checks of shapes, as a C program would."""
        api, handle = model._api, model._handle
        into = model._pointers(outputs)
        given = [model._pointers(arrays) for arrays in inputs]

        def call(i: int, keep: Any = (inputs, outputs)) -> None:
            if api.run(handle, given[i], into):
                raise RuntimeError(api.last_error(handle).decode())

        return call

    def call(self, way: str) -> Callable[[int], Any]:
        return self.calls[way]

    def answer(self, way: str, cell: Cell, index: int) -> list[np.ndarray]:
        self.calls[way](index)
        return self.outputs[way]


class Rival(Engine):
    """An engine that multiplies float matrices; weights prepared in advance, no norm, neuron or packing."""

    def load(self, layer: Layer, cells: list[Cell]) -> list[str]:
        self.layer = layer
        self.weights = make_parameters(layer, ()).weights
        self.ways: dict[str, Callable[[Any], Any]] = self.prepare()
        cell = Cell(1.0) if layer.kind == "first" else DENSE_INPUT
        self.inputs = [self.convert(make_input(layer, cell, i)) for i in range(INPUTS)] if self.ways else []
        return list(self.ways)

    @abstractmethod
    def prepare(self) -> dict[str, Callable[[Any], Any]]:
        """The ways to compute the layer, none if the engine cannot."""

    @abstractmethod
    def convert(self, values: np.ndarray) -> Any:
        """An input ``[T, 1, ..., channels]`` as the engine likes it best."""

    @abstractmethod
    def restore(self, result: Any) -> np.ndarray:
        """``[rows, outputs]`` of a result."""

    def call(self, way: str) -> Callable[[int], Any]:
        function, inputs = self.ways[way], self.inputs
        return lambda i: function(inputs[i])

    def answer(self, way: str, cell: Cell, index: int) -> list[np.ndarray]:
        result = self.ways[way](self.convert(make_input(self.layer, cell, index)))
        rows = self.restore(result)
        shape = (self.layer.steps, 1, *self.layer.space, self.layer.outputs)
        return [part.reshape(shape) for part in np.split(rows, self.layer.parts, axis=1)]

    def matrix(self, values: np.ndarray) -> np.ndarray:
        """``[rows, channels]`` in f32; of an attention core q, k and v as ``[3, T, heads, tokens, d]``."""
        floats = values.astype(np.float32)
        if self.layer.kind != "ssa":
            return floats.reshape(-1, floats.shape[-1])
        split = floats.reshape(self.layer.steps, self.layer.size, 3, self.layer.heads, -1)
        return np.ascontiguousarray(split.transpose(2, 0, 3, 1, 4))

    def merge_heads(self, product: np.ndarray) -> np.ndarray:
        """``[rows, channels]`` of ``[T, heads, tokens, d]``."""
        return product.transpose(0, 2, 1, 3).reshape(-1, self.layer.outputs)


class OpenBLAS(Rival):
    """NumPy's sgemm; weights as ``[inputs, outputs]``."""

    def prepare(self) -> dict[str, Callable[[Any], Any]]:
        if self.layer.kind == "ssa":
            return {
                "KᵀV first": lambda x: x[0] @ (x[1].swapaxes(-2, -1) @ x[2]),
                "QKᵀ first": lambda x: (x[0] @ x[1].swapaxes(-2, -1)) @ x[2],
            }
        if self.layer.kind != "linear":
            return {}
        weights = np.ascontiguousarray(np.concatenate(self.weights).T)
        result = np.empty((self.layer.steps * self.layer.size, weights.shape[1]), np.float32)
        return {"sgemm": lambda x: np.matmul(x, weights, out=result)}

    def convert(self, values: np.ndarray) -> Any:
        return self.matrix(values)

    def restore(self, result: Any) -> np.ndarray:
        return self.merge_heads(result) if self.layer.kind == "ssa" else result


class Torch(Rival):
    """Anything through PyTorch."""

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__(folder, threads)
        import torch

        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.torch = torch

    def convert(self, values: np.ndarray) -> Any:
        torch, layer = self.torch, self.layer
        tensor = torch.from_numpy(self.matrix(values))
        if layer.taps == 1:
            return tensor
        # Channels innermost is the layout in which oneDNN is fastest here.
        return tensor.reshape(layer.steps, *layer.space, layer.inputs).permute(0, 3, 1, 2)

    def restore(self, result: Any) -> np.ndarray:
        if self.layer.kind == "ssa":
            return self.merge_heads(result.numpy())
        if self.layer.taps == 9:
            result = result.permute(0, 2, 3, 1)
        return result.reshape(-1, self.layer.outputs * self.layer.parts).numpy()


class OneDNN(Torch):
    """oneDNN in fp32 through PyTorch's operators on weights that it laid out for these shapes itself."""

    def prepare(self) -> dict[str, Callable[[Any], Any]]:
        torch, layer = self.torch, self.layer
        if layer.kind == "ssa":
            return {"KᵀV first": self.attention}
        weights = torch.from_numpy(np.concatenate(self.weights))
        if layer.taps == 1:
            linear = torch.ops.mkldnn._linear_pointwise
            packed = torch.ops.mkldnn._reorder_linear_weight(weights, layer.steps * layer.size)
            return {"inner product": lambda x: linear(x, packed, None, "none", [], "")}
        convolve = torch.ops.mkldnn._convolution_pointwise
        one, shape = [1, 1], [layer.steps, layer.inputs, *layer.space]
        packed = torch._C._nn.mkldnn_reorder_conv2d_weight(weights.to_mkldnn(), one, one, one, 1, shape)
        return {"convolution": lambda x: convolve(x, packed, None, one, one, one, 1, "none", [], "")}

    def attention(self, x: Any) -> Any:
        """Both products as grouped convolutions, one group per head and step: PyTorch gives oneDNN no batched matmul in fp32."""
        convolve = self.torch.nn.functional.conv1d
        steps, heads, tokens, d = x.shape[1:]
        groups = steps * heads
        query, key, value = (part.reshape(groups, tokens, d) for part in x)
        products = convolve(value.reshape(1, groups * tokens, d), key.mT.reshape(groups * d, tokens, 1), groups=groups)
        kernels = products.view(groups, d, d).mT.reshape(groups * d, d, 1)
        result = convolve(query.mT.reshape(1, groups * d, tokens), kernels, groups=groups)
        return result.view(groups, d, tokens).mT.reshape(steps, heads, tokens, d)


class PyTorch(Torch):
    """What the model itself calls: batched matmul."""

    def prepare(self) -> dict[str, Callable[[Any], Any]]:
        if self.layer.kind != "ssa":
            return {}
        return {
            "KᵀV first": lambda x: x[0] @ (x[1].mT @ x[2]),
            "QKᵀ first": lambda x: (x[0] @ x[1].mT) @ x[2],
        }


class OpenVINO(Rival):
    """Attention by the batched matmul that PyTorch does not offer: OpenVINO's, which is oneDNN's; from a virtual environment of its own."""

    def prepare(self) -> dict[str, Callable[[Any], Any]]:
        if self.layer.kind != "ssa":
            return {}
        return {"KᵀV first": self.compile(kv_first=True), "QKᵀ first": self.compile(kv_first=False)}

    def compile(self, kv_first: bool) -> Callable[[Any], Any]:
        """Compile one order of the two products."""
        import openvino
        from openvino import opset13

        layer = self.layer
        shape = [layer.steps, layer.heads, layer.size, layer.inputs // layer.heads]
        q, k, v = (opset13.parameter(shape, np.float32) for _ in range(3))
        if kv_first:
            result = opset13.matmul(q, opset13.matmul(k, v, True, False), False, False)
        else:
            result = opset13.matmul(opset13.matmul(q, k, False, True), v, False, False)
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        model = openvino.Core().compile_model(openvino.Model([result], [q, k, v]), "CPU", settings)
        request = model.create_infer_request()

        def call(tensors: Any) -> Any:
            for i, tensor in enumerate(tensors):
                request.set_input_tensor(i, tensor)
            request.infer()
            return request.get_output_tensor(0).data

        return call

    def convert(self, values: np.ndarray) -> Any:
        import openvino

        return [openvino.Tensor(part, shared_memory=True) for part in self.matrix(values)]

    def restore(self, result: Any) -> np.ndarray:
        return self.merge_heads(result)


ENGINES: dict[str, type[Engine]] = {"spk": Spk, "oneDNN": OneDNN, "OpenBLAS": OpenBLAS, "PyTorch": PyTorch, "OpenVINO": OpenVINO}


def python_of(name: str) -> str | None:
    """The Python that runs an engine, None if it is not installed: OpenVINO has the virtual environment that ``run.py`` makes."""
    if name != "OpenVINO":
        return sys.executable
    python = Path(__file__).resolve().parents[1] / "build" / "benchmarks" / "venv" / "bin" / "python"
    return str(python) if python.exists() else None


def artefact(folder: Path, layer: Layer, cell: Cell) -> Path:
    """Where the compiled layer of a cell is kept."""
    name = f"{layer.kind}_{layer.inputs}_{layer.outputs}x{layer.parts}_{layer.size}_{cell.density:g}_{cell.joined}"
    return folder / f"{name.replace('.', '_')}.so"


# ---------------------------------------------------------------------------------------------------------------------
# Processes
# ---------------------------------------------------------------------------------------------------------------------


def serve(engine: Engine) -> None:
    """Obey the commands on standard input."""
    for line in sys.stdin:
        command = json.loads(line)
        reply: Any = None
        if command["do"] == "load":
            layer = next(layer for layer in LAYERS if layer.name == command["layer"])
            reply = engine.load(layer, [Cell(*cell) for cell in command["cells"]])
        elif command["do"] == "time":
            reply = engine.times(command["way"])
        elif command["do"] == "answer":
            results = engine.answer(command["way"], Cell(*command["cell"]), command["index"])
            np.savez(command["file"], *results)
        print(json.dumps(reply), flush=True)


class Worker:
    """The other end of :func:`serve`, pinned to processors ``cpus``."""

    def __init__(self, name: str, folder: Path, cpus: list[int]) -> None:
        threads = str(len(cpus))
        variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        script = Path(__file__).with_name("kernels.py")
        command = [python_of(name), str(script), "--worker", name, "--folder", str(folder), "--threads", threads]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(variables, threads)},
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )
        self.name, self.folder = name, folder
        # Idle OpenMP threads spin for a while before they sleep.
        self.settle = 0.4 if len(cpus) > 1 else 0.0

    def ask(self, **command: Any) -> Any:
        """Send a command and wait for its answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the process of {self.name} ended with exit code {self.process.wait()}")
        return json.loads(line)

    def load(self, layer: Layer, cells: list[Cell]) -> list[str]:
        """Prepare a layer."""
        return self.ask(do="load", layer=layer.name, cells=[[c.density, c.joined] for c in cells])

    def times(self, way: str) -> list[tuple[float, bool]]:
        """One pass over the inputs: ms, and whether it was disturbed."""
        time.sleep(self.settle)
        return self.ask(do="time", way=way)

    def answer(self, way: str, cell: Cell, index: int) -> list[np.ndarray]:
        """Results for one input."""
        file = self.folder / f"answer.{self.name}.npz"
        self.ask(do="answer", way=way, cell=[cell.density, cell.joined], index=index, file=str(file))
        with np.load(file) as arrays:
            return [arrays[name] for name in arrays.files]

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
