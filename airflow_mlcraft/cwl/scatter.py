"""Split a step's inputs into the items of a scatter, and put the items' outputs back into the right shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Step
from airflow_mlcraft.errors import LinkError


@dataclass(frozen=True)
class Split:
    """The items of one scatter, in order, and the lengths that their outputs are nested by."""

    items: tuple[dict[str, Json], ...]
    shape: tuple[int, ...]


def split(step: Step, job: dict[str, Json]) -> Split:
    """The jobs that `scatter` makes of one job."""
    lengths = [len(_array(step, name, job)) for name in step.scatter]
    if step.scatter_method in ("", "dotproduct"):
        if len(set(lengths)) > 1:
            named = ", ".join(f"{name} has {length}" for name, length in zip(step.scatter, lengths, strict=True))
            raise LinkError(f"step {step.id}: a dotproduct scatter expects arrays of one length, and {named}")
        rows: list[tuple[int, ...]] = [(i,) * len(lengths) for i in range(lengths[0])]
        shape: tuple[int, ...] = (lengths[0],)
    else:
        rows = list(_product(lengths))
        shape = tuple(lengths) if step.scatter_method == "nested_crossproduct" else (len(rows),)
    items = tuple({**job, **{name: job[name][i] for name, i in zip(step.scatter, row, strict=True)}} for row in rows)
    return Split(items, shape)


def _array(step: Step, name: str, job: dict[str, Json]) -> Sequence[Json]:
    value = job.get(name)
    if not isinstance(value, list):
        found = "null" if value is None else type(value).__name__
        raise LinkError(f"step {step.id}: scatter expects an array for {name}, found {found}")
    return value


def _product(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    if not lengths:
        yield ()
        return
    for i in range(lengths[0]):
        for rest in _product(lengths[1:]):
            yield (i, *rest)


def regroup(shape: Sequence[int], outputs: Sequence[Any]) -> list[Any]:
    """Nest a flat list of outputs by a shape: (2, 3) makes two lists of three."""
    if len(shape) == 1:
        return list(outputs)
    width = prod(shape[1:])
    return [regroup(shape[1:], outputs[i * width : (i + 1) * width]) for i in range(shape[0])]
