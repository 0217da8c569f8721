"""Checkpoints of torch.save become safetensors."""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from spk.cli import main
from spk.convert import convert
from spk.errors import SpkError


def weights() -> dict[str, Tensor]:
    return {"conv.weight": torch.rand(4, 3).t(), "bn.num_batches_tracked": torch.tensor(3), "half": torch.rand(2).half()}


def saved(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("nest", "prefix", "taken", "removed"),
    [
        (lambda w: w, "", (), ()),
        (lambda w: {"model": w, "epoch": 3, "optimizer": {"lr": 0.1}}, "module.", ("model",), ("module.",)),
        (lambda w: {"state_dict": w, "arch": "spikformer"}, "_orig_mod.module.", ("state_dict",), ("_orig_mod.", "module.")),
        (lambda w: {"model": {"state_dict": w}}, "", ("model", "state_dict"), ()),
    ],
)
def test_nested_and_prefixed(tmp_path: Path, nest: Any, prefix: str, taken: tuple[str, ...], removed: tuple[str, ...]) -> None:
    expected = weights()
    source = saved(tmp_path, nest({f"{prefix}{name}": tensor for name, tensor in expected.items()}))
    output = tmp_path / "w.safetensors"
    report = convert(source, output)
    assert (report.taken, report.prefixes, report.tensors) == (taken, removed, 3)
    found = load_file(output)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
    (tmp_path / "any").touch()
    assert output.stat().st_mode == (tmp_path / "any").stat().st_mode


def test_a_prefix_of_some_names_stays(tmp_path: Path) -> None:
    source = saved(tmp_path, {"module.a": torch.ones(1), "b": torch.ones(1)})
    report = convert(source, tmp_path / "w.safetensors")
    assert report.prefixes == ()
    assert set(load_file(report.output)) == {"module.a", "b"}


def test_shared_tensors_are_written_twice(tmp_path: Path) -> None:
    one = torch.rand(3)
    report = convert(saved(tmp_path, {"a": one, "b": one}), tmp_path / "w.safetensors")
    assert torch.equal(load_file(report.output)["a"], load_file(report.output)["b"])


def test_a_converted_checkpoint_loads(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    wrapped = nn.DataParallel(model)
    report = convert(saved(tmp_path, {"model": wrapped.state_dict()}), tmp_path / "w.safetensors")
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    other.load_state_dict(load_file(report.output))
    assert torch.equal(other[0].weight, model[0].weight)


def test_command_lists_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = {"module.a": torch.ones(2), "module.hparams": {"T": 4}, "module.mask": torch.eye(2).to_sparse()}
    source = saved(tmp_path, {"state_dict": state, "state_dict_ema": {"a": torch.zeros(2)}, "epoch": 7})
    output = tmp_path / "w.safetensors"
    assert main(["convert", str(source), str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"wrote {output}: 1 tensors of state_dict",
        "removed the prefix 'module.'",
        "left out state_dict_ema (dict of 1)",
        "left out epoch (int)",
        "left out state_dict/module.hparams (dict of 1)",
        "left out state_dict/module.mask (Tensor)",
    ]
    assert main(["convert", str(source), str(output), "--key", "state_dict_ema"]) == 0
    assert torch.equal(load_file(output)["a"], torch.zeros(2))


@pytest.mark.parametrize(
    ("content", "key", "message"),
    [
        ({"epoch": 3, "model": [1, 2]}, None, "holds no state dictionary but epoch, model; name the key of the weights with --key"),
        ({}, None, "holds no state dictionary but nothing"),
        (torch.ones(2), None, "holds no state dictionary but Tensor"),
        ({"model": {"a": torch.ones(1)}}, "ema", "has no dictionary under 'ema'; it has model"),
        ({"note": Fraction(1, 2), "model": {}}, None, "holds fractions.Fraction, which only running code from the file could"),
    ],
)
def test_one_clear_error(tmp_path: Path, content: Any, key: str | None, message: str) -> None:
    with pytest.raises(SpkError, match=message):
        convert(saved(tmp_path, content), tmp_path / "w.safetensors", key=key)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pth"]


def test_what_training_scripts_store_beside_weights(tmp_path: Path) -> None:
    metric = np.float64(95.5)
    report = convert(
        saved(tmp_path, {"state_dict": {"a": torch.ones(2)}, "args": argparse.Namespace(T=4), "metric": metric}),
        tmp_path / "w.safetensors",
    )
    assert report.ignored == {"args": "Namespace", "metric": "float64"}


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    text = tmp_path / "notes.pth"
    text.write_text("accuracy: 95.5\n")
    with pytest.raises(SpkError, match="notes.pth cannot be read as a file of torch.save"):
        convert(text, tmp_path / "w.safetensors")
    with pytest.raises(SpkError, match="absent.pth does not exist"):
        convert(tmp_path / "absent.pth", tmp_path / "w.safetensors")
    with pytest.raises(SpkError, match="there is no folder"):
        convert(text, tmp_path / "absent" / "w.safetensors")
