"""Which form of the dialect's neurons each neuron class computes on the CPU in eval mode.

Classes are matched by module and name.  A subclass that brings nothing but a
constructor or methods of its own is taken for its base.  One that overrides
charge, fire or reset is traced instead, see `traced`; one that overrides
anything else is refused.  The formulas were read in the sources of the versions
named; constants are computed in double and rounded to f32 by the dialect.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from spk.errors import Unsupported
from spk.importer.traced import METHODS, trace_step
from spk.neuron_model import NeuronSpec

__all__ = ["describe_rejection", "is_neuron", "lookup", "neuron_base", "spec_of", "step_mode"]

_OVERRIDES = (
    "forward",
    "charge",
    "fire",
    "neuronal_charge",
    "neuronal_fire",
    "neuronal_reset",
    "_reset",
    "single_step_forward",
    "multi_step_forward",
    "single_step_functional_forward",
    "multi_step_functional_forward",
    "functional_forward",
    "materialize_states",
)


def _common(module: nn.Module) -> dict[str, Any]:
    """Threshold, reset and initial membrane of an instance."""
    threshold, reset = module.v_threshold, module.v_reset
    for name, value in (("v_threshold", threshold), ("v_reset", reset)):
        if isinstance(value, torch.Tensor):
            if value.numel() != 1:
                raise Unsupported(f"{name} is a tensor of shape {list(value.shape)}", f"a number as {name}")
            value = value.item()
        if value is not None and not math.isfinite(value):
            raise Unsupported(f"{name} is {value}", f"a finite {name}")
    reset = None if reset is None else float(reset)
    return {"v_threshold": float(threshold), "v_reset": reset, "initial": _initial(module, reset)}


def _initial(module: nn.Module, reset: float | None) -> float | None:
    """Membrane that ``reset()`` restores, None when it is the dialect's own resting value."""
    stored = getattr(module, "_memories_rv", {}).get("v")
    if stored is None:
        return None
    if not isinstance(stored, (int, float)):
        raise Unsupported("the reset value of v is a tensor", "a number as the reset value of v")
    return None if float(stored) == (reset or 0.0) else float(stored)


def _tau(module: nn.Module) -> float:
    tau = float(module.tau)
    if not (math.isfinite(tau) and tau > 0.0):
        raise Unsupported(f"tau is {tau}", "a finite tau greater than 0")
    return tau


def _if(module: nn.Module) -> NeuronSpec:
    return NeuronSpec("if", **_common(module))


def _lif(module: nn.Module) -> NeuronSpec:
    """LIF that divides in both forms: spk.neuron and SpikingJelly 2.0.0.

    SimpleLIFNode writes ``v + (v_reset - v + x) / tau``, which rounds to the
    same bits because rounding is symmetric in the sign.
    """
    charge = "decay_input" if module.decay_input else "no_decay_input"
    return NeuronSpec("lif", charge=charge, tau=_tau(module), **_common(module))


def _simple_lif(module: nn.Module) -> NeuronSpec:
    if module.v_reset is None:
        raise Unsupported("SimpleLIFNode cannot run with v_reset=None", "LIFNode(v_reset=None)")
    return _lif(module)


def _lif_14(module: nn.Module) -> NeuronSpec:
    """0.0.0.0.14 in eval mode: the soft reset without input decay multiplies by 1 - 1/tau."""
    if not module.decay_input and module.v_reset is None:
        return NeuronSpec("lif", charge="retain", factor=1.0 - 1.0 / _tau(module), **_common(module))
    return _lif(module)


def _lif_12(module: nn.Module) -> NeuronSpec:
    """0.0.0.0.12: without input decay, v_reset None or 0 multiplies by 1 - 1/tau."""
    if not module.decay_input and not module.v_reset:
        return NeuronSpec("lif", charge="retain", factor=1.0 - 1.0 / _tau(module), **_common(module))
    return _lif(module)


def _sigmoid(module: nn.Module) -> torch.Tensor:
    if module.w.numel() != 1:
        raise Unsupported(f"w has shape {list(module.w.shape)}", "a scalar w")
    return module.w.detach().cpu().float().sigmoid()


def _plif(module: nn.Module) -> NeuronSpec:
    factor = float(_sigmoid(module))
    charge = "multiply" if module.decay_input else "no_decay_multiply"
    return NeuronSpec("lif", charge=charge, factor=factor, **_common(module))


def _plif_old(module: nn.Module) -> NeuronSpec:
    """0.0.0.0.12 and 0.0.0.0.14: without input decay, v_reset None or 0 multiplies by 1 - sigmoid(w) in f32."""
    if not module.decay_input and not module.v_reset:
        factor = float(1.0 - _sigmoid(module))
        return NeuronSpec("lif", charge="retain", factor=factor, **_common(module))
    return _plif(module)


def _ilif(module: nn.Module) -> NeuronSpec:
    """I-LIF of spk.neuron: keeps 1 - 1/tau of the membrane."""
    factor = 1.0 if module.tau == math.inf else 1.0 - 1.0 / _tau(module)
    numbers = {"levels": module.levels, "rounding": module.rounding}
    return NeuronSpec("ilif", charge="retain", factor=factor, **_common(module), **numbers)


def _ilif_sj(module: nn.Module) -> NeuronSpec:
    """I-LIF of SpikingJelly 2.0.0: a sequence multiplies by 1 - 1/tau, a single step divides by tau."""
    form: dict[str, Any] = {"charge": "no_decay_input", "tau": _tau(module)}
    if step_mode(module) == "m":
        form = {"charge": "retain", "factor": 1.0 - 1.0 / _tau(module)}
    return NeuronSpec("ilif", levels=module.surrogate_function.max_spike_count, **form, **_common(module))


def _multi_spike(module: nn.Module) -> NeuronSpec:
    numbers = {"levels": module.levels, "rounding": module.rounding, "divisor": module.norm}
    return NeuronSpec("multi_spike", **numbers)


def _number(module: nn.Module, name: str) -> float:
    """A positive number of an instance, learned or not."""
    value = torch.as_tensor(getattr(module, name)).detach()
    if value.numel() != 1 or not 0.0 < value.item() < math.inf:
        raise Unsupported(f"{name} is {value.tolist()}", f"one positive and finite number as {name}")
    return float(value.item())


def _qcfs(module: nn.Module) -> NeuronSpec:
    return NeuronSpec("qcfs", levels=module.levels, up=_number(module, "up"))


def _signed_if(module: nn.Module) -> NeuronSpec:
    numbers = {name: getattr(module, name) for name in ("v_threshold", "max_count")}
    return NeuronSpec("signed_if", initial=module.v_initial, scale=_number(module, "scale"), **numbers)


def _written_by_user(module: nn.Module) -> NeuronSpec:
    return NeuronSpec("neuron", body=trace_step(module))


_SJ2 = "spikingjelly.activation_based.neuron"
_SJ14 = "spikingjelly.activation_based.neuron"
_SJ12 = "spikingjelly.clock_driven.neuron"

_TABLE: dict[tuple[str, str], Callable[[nn.Module], NeuronSpec]] = {
    ("spk.neuron", "LIFNode"): _lif,
    ("spk.neuron", "IFNode"): _if,
    ("spk.neuron", "ParametricLIFNode"): _plif,
    ("spk.neuron", "ILIFNode"): _ilif,
    ("spk.neuron", "MultiSpike"): _multi_spike,
    ("spk.neuron", "QCFS"): _qcfs,
    ("spk.neuron", "SignedIFNode"): _signed_if,
    (f"{_SJ2}.lif", "LIFNode"): _lif,
    (f"{_SJ2}.lif", "SimpleLIFNode"): _simple_lif,
    (f"{_SJ2}.integrate_and_fire", "IFNode"): _if,
    (f"{_SJ2}.integrate_and_fire", "SimpleIFNode"): _if,
    (f"{_SJ2}.plif", "ParametricLIFNode"): _plif,
    (f"{_SJ2}.ilif", "ILIFNode"): _ilif_sj,
    (_SJ14, "LIFNode"): _lif_14,
    (_SJ14, "IFNode"): _if,
    (_SJ14, "ParametricLIFNode"): _plif_old,
    **{(_SJ12, f"{prefix}LIFNode"): _lif_12 for prefix in ("", "MultiStep")},
    **{(_SJ12, f"{prefix}IFNode"): _if for prefix in ("", "MultiStep")},
    **{(_SJ12, f"{prefix}ParametricLIFNode"): _plif_old for prefix in ("", "MultiStep")},
}


def _key(cls: type) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


# What a subclass may bring of its own although its base has it: nothing that a call computes with.
_INERT = {"__init__", "__repr__", "extra_repr", "__module__", "__qualname__", "__doc__", "__annotations__"}
_INERT |= {"__dict__", "__weakref__", "__abstractmethods__", "_abc_impl", "__static_attributes__", "__firstlineno__"}


def _known(cls: type) -> type | None:
    """The class of the table whose equations `cls` has: itself, or a base of which it overrides nothing but the constructor."""
    own: set[str] = set()
    for base in cls.__mro__:
        if _key(base) in _TABLE:
            # A step method that the base lacks is not called, which its author cannot have meant.
            return base if not any(hasattr(base, name) or name in _OVERRIDES for name in own) else None
        own |= set(vars(base)) - _INERT
    return None


def lookup(cls: type) -> Callable[[nn.Module], NeuronSpec] | None:
    """The table entry of a class, or of the base whose equations it leaves alone."""
    known = _known(cls)
    return None if known is None else _TABLE[_key(known)]


def neuron_base(cls: type) -> type | None:
    """The nearest base of a class that is in the table, or that keeps a membrane of its own."""
    for base in cls.__mro__[1:]:
        if _key(base) in _TABLE or _key(base) in (("spk.neuron", "_Node"),):
            return base
    return None


def is_written_by_user(cls: type) -> bool:
    """Whether a class changes charge, fire or reset of a library's neuron, and nothing else that it does."""
    libraries = ("spikingjelly.", "spk.neuron", "torch.")
    own = [c for c in cls.__mro__ if not c.__module__.startswith(libraries) and c is not object]
    methods = {m for c in own for m in _OVERRIDES if m in vars(c)}
    return any(methods and methods <= set(names) and all(hasattr(cls, n) for n in names) for names in METHODS)


# SpikingJelly's modules with state that do nothing in eval mode, and what takes the place of others.
_IDENTITIES = {"Dropout", "Dropout2d"}
_INSTEAD = {
    "BatchNormThroughTime": "BatchNorm1d or BatchNorm2d, the same at every time step",
    "NeuNorm": "BatchNorm2d",
    "DropConnectLinear": "Linear",
    "SynapseFilter": "a LIF neuron",
    "Delay": "the sequence without a delay",
    "ElementWiseRecurrentContainer": "a neuron that nothing is fed back to",
    "LinearRecurrentContainer": "a neuron that nothing is fed back to",
}


def _is_identity(cls: type) -> bool:
    """Whether a class keeps state for training alone."""
    return cls.__name__ in _IDENTITIES and cls.__module__.startswith("spikingjelly.") and ".layer" in cls.__module__


def is_neuron(module: nn.Module) -> bool:
    """Whether a module is a neuron, or another module with state that spk does not know."""
    cls = type(module)
    if _is_identity(cls):
        return False
    return lookup(cls) is not None or neuron_base(cls) is not None or bool(getattr(module, "_memories", None))


def step_mode(module: nn.Module) -> str:
    """``"m"`` when the module scans its leading axis, ``"s"`` when a call is one time step."""
    cls = _known(type(module)) or type(module)
    if cls.__module__ == _SJ12:
        return "m" if cls.__qualname__.startswith("MultiStep") else "s"
    return getattr(module, "step_mode", "m")


def _fires_as_known(surrogate: Any, levels: int | None) -> bool:
    """Whether a surrogate function fires at 0 in the forward pass, or rounds to 0..levels."""
    probe = torch.tensor([-2.0, -1.0, -0.5, -1e-30, 0.0, 1e-30, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 7.5, 1e9])
    expected = (probe >= 0).to(torch.float32) if levels is None else probe.clamp(0, levels).round()
    try:
        with torch.no_grad():
            return torch.equal(surrogate(probe).to(torch.float32), expected)
    except Exception:  # noqa: BLE001 - a foreign callable may raise anything
        return False


def describe_rejection(module: nn.Module) -> str | None:
    """Why a neuron is not supported, None if it is."""
    cls = type(module)
    name = f"{cls.__module__}.{cls.__qualname__}"
    if lookup(cls) is None and is_written_by_user(cls):
        return None
    if lookup(cls) is None:
        base = neuron_base(cls)
        if base is None:
            return f"{name} keeps state between calls and is no neuron that spk knows"
        own = {m for c in cls.__mro__[: cls.__mro__.index(base)] for m in vars(c)} - _INERT
        methods = sorted(own & set(_OVERRIDES) or {m for m in own if hasattr(base, m)})
        what = f"overrides {', '.join(f'{m}()' for m in methods)}" if methods else "is a subclass"
        return f"{name} {what} of {base.__qualname__}; only what leaves that class as it is is known"
    patched = sorted(m for m in _OVERRIDES if m in vars(module))
    if patched:
        return f"{', '.join(f'{m}()' for m in patched)} of this {cls.__qualname__} is replaced on the instance"
    surrogate = getattr(module, "surrogate_function", None)
    if (_known(cls) or cls).__module__ != "spk.neuron" and surrogate is not None:
        levels = getattr(surrogate, "max_spike_count", None) if lookup(cls) is _ilif_sj else None
        if not _fires_as_known(surrogate, levels):
            wanted = "fire as x >= 0" if levels is None else f"round to 0..{levels}"
            return f"its surrogate function {type(surrogate).__qualname__} does not {wanted} in the forward pass"
    if getattr(module, "_neuron_precision", None) is not None:
        return "it has an explicit neuron precision"
    return None


def spec_of(module: nn.Module) -> NeuronSpec:
    """The dialect's form of a neuron.

    Raises:
        Unsupported: with the reason and the nearest supported form.
    """
    reason = describe_rejection(module)
    if reason is not None:
        name = type(module).__name__
        instead = next((hint for known, hint in _INSTEAD.items() if name.startswith(known)), None)
        raise Unsupported(reason, instead or "a class of spk.neuron, or the same class of SpikingJelly")
    entry = lookup(type(module)) or _written_by_user
    return entry(module)
