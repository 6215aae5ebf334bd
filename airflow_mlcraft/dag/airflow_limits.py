"""What Airflow's tables can hold, checked before a DAG reaches them.

The DAG processor writes all DAGs of a DAG file in one transaction: a single value that a column does not take, and
none of them is stored. The limits are read from Airflow's own models; these load here and nowhere else in this room.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.dag.serialized_dag import dag_serialization
from airflow_mlcraft.errors import DocumentError, MlcraftError
from airflow_mlcraft.layout.hints import FieldError

if TYPE_CHECKING:
    from airflow.sdk import DAG


_MAX_INTEGER = 2**31 - 1
_MAX_LONG = 2**63 - 1
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that PostgreSQL takes in no text: NUL, and halves of a surrogate pair."""
_SHOWN = 60


@dataclass(frozen=True)
class Misfit:
    """A value that Airflow cannot store: what is wrong, and where a document says it."""

    message: str
    field: str = ""
    """The name of the document's field."""
    value: Json = None


@cache
def column_lengths() -> dict[str, int]:
    """The lengths of the columns that a document's texts end up in."""
    from airflow.models.asset import AssetModel
    from airflow.models.dag import DagModel, DagOwnerAttributes, DagTag
    from airflow.models.taskinstance import TaskInstance

    columns = {
        "display_name": (DagModel, "dag_display_name"),
        "owner": (DagOwnerAttributes, "owner"),
        "owners": (DagModel, "owners"),
        "schedule": (DagModel, "timetable_description"),
        "tag": (DagTag, "name"),
        "asset": (AssetModel, "uri"),
        "dag_id": (DagModel, "dag_id"),
        "task_id": (TaskInstance, "task_id"),
        "task_display_name": (TaskInstance, "task_display_name"),
        "pool": (TaskInstance, "pool"),
        "queue": (TaskInstance, "queue"),
    }
    lengths = {name: _length(model, column) for name, (model, column) in columns.items()}
    return {name: length for name, length in lengths.items() if length}


def misfits_of(dag: DAG, stored: Json) -> Iterator[Misfit]:
    """What the tables would not take of a DAG; `stored` is its serialized form."""
    yield from _misfits_of_dag(dag)
    for task in dag.tasks:
        yield from _misfits_of_task(task)
    yield from _misfits_of_timetable(dag, stored)
    yield from _unstorable_values(stored)


def _length(model: Any, column: str) -> int:
    found = model.__table__.columns.get(column)
    return int(getattr(getattr(found, "type", None), "length", None) or 0)


def _misfits_of_dag(dag: DAG) -> Iterator[Misfit]:
    yield from _too_long("dag_id", "the DAG's id", "id", dag.dag_id)
    yield from _too_long("display_name", "the DAG's display name", "label", dag.dag_display_name)
    for tag in sorted(dag.tags):
        yield from _too_long("tag", "a tag of the DAG", "tags", tag)
    yield from _too_long("owners", "the list of all owners of the DAG's tasks", "owner", dag.owner)
    yield from _not_between("maxActiveRuns", dag.max_active_runs, 1)
    yield from _not_between("maxActiveTasks", dag.max_active_tasks, 1)
    yield from _not_between("retries", dag.default_args.get("retries"), 0)
    if dag.start_date and not _FIRST_YEAR <= dag.start_date.year <= _LAST_YEAR:
        yield Misfit(
            f"startDate is {dag.start_date.date()}, expected a day of the years {_FIRST_YEAR} to {_LAST_YEAR}",
            "startDate",
        )


_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_LONGEST_DAYS = 3650


def _misfits_of_task(task: Any) -> Iterator[Misfit]:
    yield from _too_long("task_id", "the id of a task", "id", task.task_id)
    yield from _too_long("task_display_name", "the display name of a task", "id", task.task_display_name)
    yield from _too_long("owner", "an owner", "owner", task.owner)
    yield from _too_long("pool", "a pool", "pool", task.pool)
    yield from _too_long("queue", "a queue", "queue", task.queue)
    yield from _not_between("retries", task.retries, 0)
    yield from _not_between("poolSlots", task.pool_slots, 1)
    yield from _not_between("priority", task.priority_weight, -_MAX_INTEGER)
    yield from _not_between("maxActive", task.max_active_tis_per_dagrun, 1)
    for field, time in (("retryDelay", task.retry_delay), ("timeout", task.execution_timeout)):
        if time is not None and not 0 <= time.total_seconds() <= _LONGEST_DAYS * 86400:
            yield Misfit(f"{field} is {time}, expected at most {_LONGEST_DAYS} days", field)


def _misfits_of_timetable(dag: DAG, stored: Json) -> Iterator[Misfit]:
    """Airflow works out the next run as it stores a DAG."""
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.timetables.base import TimeRestriction

    timetable = LazyDeserializedDAG(data=stored).timetable
    yield from _too_long("schedule", "Airflow's description of the schedule", "schedule", timetable.description)
    for asset in _assets_of(timetable):
        yield from _too_long("asset", "the URI of an asset", "scheduleOn", asset)
    if not timetable.can_be_scheduled:
        return
    start: Any = dag.start_date
    restriction = TimeRestriction(earliest=start, latest=None, catchup=dag.catchup)
    try:
        timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    except Exception as error:
        # A cron expression may be well formed and name a day that no year has.
        text = " ".join(str(error).split())[:200]
        yield Misfit(f"the schedule {dag.schedule!r} has no next run ({type(error).__name__}: {text})", "schedule")


def _assets_of(timetable: Any) -> Iterator[str]:
    return (asset.uri for _, asset in timetable.asset_condition.iter_assets())


def _too_long(column: str, what: str, field: str, text: Any) -> Iterator[Misfit]:
    limit = column_lengths().get(column)
    if limit and isinstance(text, str) and len(text) > limit:
        yield Misfit(
            f"{what} has {len(text):,} characters, and Airflow keeps at most {limit:,}: {_shown(text)}", field, text
        )


def _not_between(field: str, value: Any, lowest: int) -> Iterator[Misfit]:
    if isinstance(value, int) and not lowest <= value <= _MAX_INTEGER:
        yield Misfit(f"{field} is {value}, expected a whole number from {lowest} to {_MAX_INTEGER:,}", field, value)


def _unstorable_values(stored: Json, field: str = "") -> Iterator[Misfit]:
    """Texts and numbers anywhere in the serialized form that cannot be written down."""
    if isinstance(stored, dict):
        for key, value in stored.items():
            yield from _unstorable_values(str(key), field)
            yield from _unstorable_values(value, str(key))
    elif isinstance(stored, (list, tuple)):
        for value in stored:
            yield from _unstorable_values(value, field)
    elif isinstance(stored, str):
        found = _UNSTORABLE.search(stored)
        if found:
            character = "the character NUL" if found[0] == "\0" else "half of a surrogate pair"
            yield Misfit(f"found {character} in {_shown(stored)}, which Airflow's database does not take", "", stored)
    elif isinstance(stored, int) and not -_MAX_LONG <= stored <= _MAX_LONG:
        yield Misfit(f"found the number {_shown(str(stored))}, which has more than 64 bits", "", stored)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…").replace("\\u2026", "…")


_ALSO_SAID_BY = {"poolSlots": "coresMin", "timeout": "timelimit"}
"""What sets a field of a hint where the hint does not."""
_NAMED = 3
"""How many of a DAG's faults an error names."""


def build_dag(plan: Plan, dag_id: str, text: str | None = None, **dag_args: Any) -> CwlDag:
    """The DAG of a plan, its arguments checked. Raises a `DocumentError` with the line in the document's `text`."""
    try:
        # Airflow takes each DAG of a `with` block into its DAG file by itself, also one that turns out to be wrong.
        dag = CwlDag.of_plan(plan, dag_id, **{**dag_args, "auto_register": False})
        dag.validate()  # type: ignore[no-untyped-call]
    except FieldError as error:
        raise _located(plan, text, error.message, error.field, error.value) from None
    except DocumentError as error:
        raise error if error.line else _located(plan, text, error.message) from None
    except MlcraftError:
        raise
    except Exception as error:
        # Whatever Airflow has against this DAG, it must not take the others along.
        raise _located(plan, text, f"Airflow refuses its DAG ({type(error).__name__}: {_one_line(error)})") from None
    return dag


def check_stored_form(dag: CwlDag, text: str | None = None) -> Json:
    """The serialized form of a DAG. Raises a `DocumentError` for one that Airflow could not write to its database."""
    try:
        form = dag_serialization().to_dict(dag)
        misfits = list(misfits_of(dag, form))
    except Exception as error:
        message = f"Airflow cannot store its DAG ({type(error).__name__}: {_one_line(error)})"
        raise _located(dag.plan, text, message) from None
    if misfits:
        first = misfits[0]
        raise _located(dag.plan, text, _sentence(misfits), first.field, first.value)
    return form


def _sentence(misfits: list[Misfit]) -> str:
    messages = list(dict.fromkeys(misfit.message for misfit in misfits))
    more = len(messages) - _NAMED
    return "; ".join(messages[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _located(plan: Plan, text: str | None, message: str, field: str = "", value: Json = None) -> DocumentError:
    """An error at the line that says a field; at the first line where none does, as for a tool in another file."""
    # The parser of YAML loads for errors alone.
    from airflow_mlcraft.cwl.errors.source_positions import field_at

    path = Path(plan.base) / plan.file
    if text is None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
    line = field_at(text, field, value) or (field_at(text, _ALSO_SAID_BY[field]) if field in _ALSO_SAID_BY else None)
    return DocumentError(message, path=str(path), line=line or 1)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
