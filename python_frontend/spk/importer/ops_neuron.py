"""Neurons: the form of their input, their states between calls, what modules make of their spikes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from spk.errors import Unsupported
from spk.importer.capture import module_name
from spk.importer.context import Context, Scaled, handler, is_power_of_two, need_view
from spk.importer.heads import is_head
from spk.importer.mlir import Op, Value, f32, f32_array, quoted
from spk.importer.views import BATCH, TIME, Atom, View, group_size, merge, source_order, whole
from spk.neuron_model import NeuronSpec

__all__ = ["emit_neuron", "times"]


def _joins_batch(view: View) -> bool:
    """Whether the leading dimension is time and batch together, so that a scan of it goes from image to image."""
    steps, batch = view.value.shape[:2]
    return batch > 1 and merge(view.dims[0]) == (whole(TIME, steps), whole(BATCH, batch))


def _scan_form(ctx: Context, view: View) -> View:
    """The input of a multi-step neuron, torch order, time as axis 0."""
    lead = [a for a in view.dims[0] if a.size > 1]
    steps = view.value.shape[TIME]
    if lead == ([Atom(TIME, steps, 1)] if steps > 1 else []) or _joins_batch(view):
        if source_order(view.dims):
            return view
        return ctx.layout.torch_form(view, ctx.path)
    within = math.prod(a.size for a in lead if a.axis == TIME)
    if lead and steps == within and not any(a.axis == BATCH for a in lead):  # time came as a feature, or some of its steps did
        rest = View(view.value, view.dims[1:])
        axes = ctx.layout.torch_axes(rest)
        return ctx.layout.form(view, [view.dims[0], *axes[1:]], ctx.path)
    raise Unsupported("a multi-step neuron whose leading dimension is not time", "[T, B, ...] with all time steps")


def _step_form(ctx: Context, view: View) -> View:
    """The input of a single-step neuron: one time step, all leading axes are its batch."""
    if view.value.shape[TIME] == 1 and source_order(view.dims):
        return view
    lead = max((i for i, g in enumerate(view.dims) if any(a.axis in (TIME, BATCH) for a in g)), default=0)
    batch = tuple(a for g in view.dims[: lead + 1] for a in g if a.size > 1)
    rest = [tuple(a for a in g if a.size > 1) for g in view.dims[lead + 1 :]]
    return ctx.layout.form(view, [(), batch, *(g for g in rest if g)], ctx.path)


def _attribute(name: str, value: Any) -> str:
    """An attribute of a neuron."""
    if isinstance(value, str):
        return f"#spk.{name}<{value}>"
    return f"{value} : i64" if isinstance(value, int) else f32(value)


def emit_neuron(ctx: Context, spec: NeuronSpec, x: Value, path: str, initial: Sequence[Value] = ()) -> Op:
    """Append the operation of a neuron on the current `x`, from `initial` if it does not start at rest."""
    element = spec.form.element
    result = ctx.builder.fresh(x.shape, element, None if element == "f32" else spec.levels)
    numbers = {name: getattr(spec, name) for name in spec.form.numbers}
    attributes = {name: _attribute(name, number) for name, number in numbers.items() if number is not None}
    if spec.body is not None:
        attributes["resting"] = f32_array(spec.body.resting)
    names, types = (", ".join(getattr(v, what) for v in initial) for what in ("name", "type"))
    start = f" initial({names} : {types})" if initial else ""
    text = f"spk.{spec.kind} {x.name}{start}{{attrs}} : {x.type} -> {result.type}"
    op = Op(f"spk.{spec.kind}", [result], text, attributes, path, region=spec.body.text() if spec.body else "")
    ctx.builder.ops.append(op)
    return op


def _initial(ctx: Context, spec: NeuronSpec, path: str, shape: tuple[int, ...], torch_shape: tuple[int, ...]) -> list[Value]:
    """States before the first step: of the previous call of a neuron that keeps them, constants, or none to start at rest."""
    previous = ctx.states.get(path)
    if previous is not None and previous[1] == torch_shape:
        op = previous[0]
        if len(op.results) == 1:
            source = op.results[0]
            states = [ctx.builder.fresh((1, *source.shape[1:]), "f32") for _ in range(spec.form.states)]
            op.results += states
            op.suffix = f" state {', '.join(s.type for s in states)}"
        return [ctx.layout.reshape(state, shape, ctx.path) for state in op.results[1:]]
    if spec.initial is not None:
        return [ctx.splat(number, shape, ctx.path) for number in spec.resting()]
    return []


@handler("spk.neuron.default")
def _neuron(ctx: Context, x: Any, path: str, call: int) -> View:
    site = ctx.captured.sites[path]
    if site.problem is not None or site.spec is None:
        raise site.problem or Unsupported("an unknown neuron")
    view = _into(ctx, ctx.floats(need_view(x)), site.spec)
    if site.spec.form.states == 0:
        form = view if source_order(view.dims) else ctx.layout.torch_form(view, ctx.path)
        torch_shape = view.shape
    elif site.mode == "m":
        form, torch_shape = _scan_form(ctx, view), view.shape[1:]
    else:
        steps = view.value.shape[TIME]
        if steps > 1:
            ctx.folded.add(steps)
        if steps > 1 or (group_size(view.dims[0]) in ctx.folded and len(view.dims) > 2):
            ctx.warn(
                path,
                module_name(site.module),
                "neuron",
                f"step_mode='s' is fed a sequence {list(view.shape)}: time is part of the batch and no state passes between steps",
                "step_mode='m'",
            )
        form, torch_shape = _step_form(ctx, view), view.shape
    where = path if call == 0 else f"{path}#{call}"
    current = form.value
    joined = site.mode == "m" and site.spec.form.states > 0 and _joins_batch(view)
    if joined and ctx.tb_scan:
        steps, batch, *features = current.shape
        current = ctx.layout.reshape(current, (steps * batch, 1, *features), ctx.path)
        ctx.builder.attributes.setdefault("spk.fixed_batch", quoted(f"{where} scans time and batch together"))
    elif joined:
        ctx.warn(
            path,
            module_name(site.module),
            "neuron",
            f"the model scans time and batch together, {list(view.shape)}, so that images depend on their neighbours;"
            " every image is scanned on its own here, which is the same at batch 1",
            "--tb-scan (tb_scan=True) for the scan of the model",
        )
    initial = _initial(ctx, site.spec, path, (1, *current.shape[1:]), tuple(torch_shape))
    op = emit_neuron(ctx, site.spec, current, where, initial)
    if is_head(site.module):
        ctx.heads[op.results[0]] = op
    if site.keeps_state:
        ctx.states[path] = (op, tuple(torch_shape))
    fired = form.with_value(ctx.layout.reshape(op.results[0], form.value.shape, ctx.path))
    return _out_of(ctx, fired, site.spec)


def times(ctx: Context, op: str, view: View, number: float) -> View:
    """An arith operation of a view and a number; none where it is 1."""
    if number == 1.0:
        return view
    view = ctx.floats(view)
    return view.with_value(ctx.binary(op, view.value, ctx.splat(number, view.value.shape, ctx.path), ctx.path))


def _into(ctx: Context, view: View, spec: NeuronSpec) -> View:
    """What a module makes of its input in front of the operation."""
    return times(ctx, "arith.divf", view, spec.scale)


def _out_of(ctx: Context, view: View, spec: NeuronSpec) -> View:
    """What a module makes of spikes; divided by a power of two they stay what they are until something needs the quotient."""
    if view.value.is_float or not is_power_of_two(spec.divisor):
        return times(ctx, "arith.mulf", times(ctx, "arith.divf", view, spec.divisor), spec.scale)
    factor = spec.scale / spec.divisor
    if factor == 1.0:
        return view
    return view.with_value(Scaled(view.value.shape, base=view.value, factor=factor))  # type: ignore[arg-type]
