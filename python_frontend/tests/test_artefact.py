"""The ctypes side of artefacts, on a small network written by hand against the C runtime."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from spk import load
from spk.artefact import ArtefactError, CompiledModel

ROOT = Path(__file__).resolve().parents[2]
FAKE = ROOT / "test" / "Unit" / "Runtime" / "fake_model.h"
COMPILER = next((c for c in ("cc", "clang-22", "clang", "gcc") if shutil.which(c)), None)
pytestmark = pytest.mark.skipif(COMPILER is None or not FAKE.exists(), reason="no C compiler or no checkout of the runtime")


def build(folder: Path, *flags: str) -> Path:
    source, library = folder / "fake.c", folder / "fake.so"
    source.write_text(f'#include "{FAKE}"\n')
    command = [str(COMPILER), "-std=c11", "-shared", "-fPIC", f"-I{ROOT / 'include'}", f"-I{ROOT / 'lib' / 'Runtime'}"]
    subprocess.run([*command, *flags, str(source), "-o", str(library)], check=True, capture_output=True)
    return library


@pytest.fixture
def model(tmp_path: Path) -> CompiledModel:
    return load(build(tmp_path))


IMAGE = np.arange(8, dtype=np.float32).reshape(2, 4) % 3
EVENTS = (np.arange(24, dtype=np.float32).reshape(3, 2, 4) % 5) * 0.375


def test_descriptions(model: CompiledModel) -> None:
    assert [(i.name, i.shape, i.temporal) for i in model.inputs] == [("image", (2, 4), False), ("events", (3, 2, 4), True)]
    assert [(o.name, o.dtype) for o in model.outputs] == [("logits", np.float32), ("block/lif", np.bool_)]
    assert model.time_steps == 3
    data = model.metadata()
    assert data["model_name"] == "fake"
    assert data["cpu_features"] == []
    assert data["properties"] == ["lif.sum=sequential"]
    assert data["weights_bytes"] == 16
    model.threads = 3
    assert model.threads == 3


def test_run_gives_the_kind_it_was_given(model: CompiledModel) -> None:
    arrays = model(IMAGE, EVENTS)
    assert isinstance(arrays, dict)
    assert isinstance(arrays["logits"], np.ndarray)
    tensors = model(torch.from_numpy(IMAGE), torch.from_numpy(EVENTS))
    assert isinstance(tensors["block/lif"], torch.Tensor)
    assert tensors["block/lif"].dtype == torch.bool
    assert 0 < tensors["block/lif"].float().mean() < 1
    np.testing.assert_array_equal(tensors["logits"].numpy(), arrays["logits"])


def test_steps_and_finish_are_a_run(model: CompiledModel) -> None:
    whole = model(IMAGE, EVENTS)
    spikes = [model.step(IMAGE, EVENTS[t])["block/lif"] for t in range(3)]
    np.testing.assert_array_equal(np.concatenate(spikes), whole["block/lif"])
    np.testing.assert_array_equal(model.finish()["logits"], whole["logits"])
    model.step(IMAGE, EVENTS[:1])
    with pytest.raises(ArtefactError, match="status 5"):
        model(IMAGE, EVENTS)
    model.reset()
    np.testing.assert_array_equal(model(IMAGE, EVENTS)["logits"], whole["logits"])


def test_saved_state(model: CompiledModel, tmp_path: Path) -> None:
    whole = model(IMAGE, EVENTS)
    model.step(IMAGE, EVENTS[0])
    state = model.save_state()
    other = load(model.path)
    other.load_state(state)
    for t in (1, 2):
        other.step(IMAGE, EVENTS[t])
    np.testing.assert_array_equal(other.finish()["logits"], whole["logits"])
    with pytest.raises(ArtefactError, match="status 7"):
        other.load_state(state[:-1])


def test_other_dtypes_and_layouts_are_converted(model: CompiledModel) -> None:
    whole = model(IMAGE, EVENTS)
    strided = np.asfortranarray(EVENTS.astype(np.float64))
    np.testing.assert_array_equal(model(IMAGE.astype(np.int64), strided)["block/lif"], whole["block/lif"])


def test_wrong_calls(model: CompiledModel) -> None:
    with pytest.raises(ArtefactError, match=r"input events has shape \[2, 2, 4\], expected \[3, 2, 4\]"):
        model(IMAGE, EVENTS[:2])
    with pytest.raises(ArtefactError, match="1 inputs given, 2 expected"):
        model(IMAGE)
    with pytest.raises(ArtefactError, match="status 5"):
        model.finish()


def test_refused_step(tmp_path: Path) -> None:
    model = load(build(tmp_path, '-DFAKE_REFUSAL="block.0.mix looks across time"'))
    with pytest.raises(ArtefactError, match="block.0.mix looks across time"):
        model.step(IMAGE, EVENTS[0])


def test_missing_cpu_feature(tmp_path: Path) -> None:
    library = build(tmp_path, '-DFAKE_FEATURES="no-such-feature"')
    with pytest.raises(ArtefactError, match="no-such-feature"):
        load(library)


def test_not_an_artefact(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="does not exist"):
        load(tmp_path / "none.so")
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(ArtefactError, match="cannot be loaded"):
        load(text)
    source = tmp_path / "empty.c"
    source.write_text("int nothing;\n")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", str(source), "-o", str(tmp_path / "empty.so")], check=True)
    with pytest.raises(ArtefactError, match="exports no spk_<model>_api"):
        load(tmp_path / "empty.so")


def test_loading_needs_no_torch(tmp_path: Path) -> None:
    library = build(tmp_path)
    code = f"""
import sys
sys.modules["torch"] = None
import numpy as np, spk
net = spk.load({str(library)!r})
print(net(np.ones((2, 4), np.float32), np.ones((3, 2, 4), np.float32))["logits"].shape)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "python_frontend", capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "(2, 4)", done.stderr
