"""Short names for the items of a scatter, for people who look at a list of mapped tasks."""

from __future__ import annotations

from airflow_mlcraft.cwl.plan import Json, Step

_MAX_LENGTH = 60


def item_name(step: Step, job: dict[str, Json] | None, index: int) -> str:
    """What tells an item from the others: its number and the values that are scattered."""
    if job is None:
        return f"{index} (skipped)"
    named = [name for name in (_named(job.get(input_id)) for input_id in step.scatter) if name]
    return _shortened(" · ".join([str(index), *named]))


def chunk_names(names: list[str], chunk: int) -> list[str]:
    """A name for each mapped instance: its item's, or its first and last item's."""
    if chunk == 1:
        return names
    return [_shortened(f"{names[i]} … {names[min(i + chunk, len(names)) - 1]}") for i in range(0, len(names), chunk)]


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def _named(value: Json) -> str:
    if isinstance(value, dict):
        return str(value.get("basename") or str(value.get("location", "")).rpartition("/")[2])
    return "" if value is None or isinstance(value, list) else str(value)
