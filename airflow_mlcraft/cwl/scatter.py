"""Scatter: the inputs of each item of a scattered step, and the items' outputs nested to the right shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Step
from airflow_mlcraft.errors import LinkError


@dataclass(frozen=True)
class ScatterItems:
    """The inputs of each item of a scatter, in order, and the lengths that the items' outputs are nested by."""

    inputs: tuple[dict[str, Json], ...]
    shape: tuple[int, ...]


def compute_item_inputs(step: Step, job: dict[str, Json]) -> ScatterItems:
    """The inputs of each item of a scattered step, from the step's inputs.

    Each scattered array is replaced by one of its elements, as `scatterMethod` combines them; the other inputs are the
    same for all items. Raises `LinkError` for an input that is not an array, or arrays of different lengths.
    """
    lengths = [len(_scattered_array(step, name, job)) for name in step.scatter]
    if step.scatter_method in ("", "dotproduct"):
        if len(set(lengths)) > 1:
            scattered = ", ".join(f"{name} has {length}" for name, length in zip(step.scatter, lengths, strict=True))
            raise LinkError(f"step {step.id}: a dotproduct scatter expects arrays of one length, and {scattered}")
        index_tuples: list[tuple[int, ...]] = [(i,) * len(lengths) for i in range(lengths[0])]
        shape: tuple[int, ...] = (lengths[0],)
    else:
        index_tuples = list(_index_product(lengths))
        shape = tuple(lengths) if step.scatter_method == "nested_crossproduct" else (len(index_tuples),)
    inputs = tuple(
        {**job, **{name: job[name][i] for name, i in zip(step.scatter, indices, strict=True)}}
        for indices in index_tuples
    )
    return ScatterItems(inputs, shape)


def _scattered_array(step: Step, name: str, job: dict[str, Json]) -> Sequence[Json]:
    value = job.get(name)
    if not isinstance(value, list):
        found = "null" if value is None else type(value).__name__
        raise LinkError(f"step {step.id}: scatter expects an array for {name}, found {found}")
    return value


def _index_product(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    if not lengths:
        yield ()
        return
    for i in range(lengths[0]):
        for rest in _index_product(lengths[1:]):
            yield (i, *rest)


def nest_outputs(shape: Sequence[int], outputs: Sequence[Any]) -> list[Any]:
    """Nest a flat list of outputs by a shape: (2, 3) makes two lists of three."""
    if len(shape) == 1:
        return list(outputs)
    width = prod(shape[1:])
    return [nest_outputs(shape[1:], outputs[i * width : (i + 1) * width]) for i in range(shape[0])]
