"""The DAG of a plan, checked against what Airflow's tables can hold before Airflow stores it.

The DAG processor writes all DAGs of a DAG file in one transaction: a single value that a column does not take, and
none of them is stored. The limits come from Airflow's own models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.adapters.airflow_core import dag_serialization, read_timetable
from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.errors import DocumentError, MlcraftError
from airflow_mlcraft.layout.hints import FieldError

if TYPE_CHECKING:
    from airflow.sdk import DAG

_MAX_INTEGER = 2**31 - 1
_MAX_LONG = 2**63 - 1
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that PostgreSQL cannot store in a text: NUL, and halves of a surrogate pair."""
_MAX_SHOWN_CHARACTERS = 60
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_LONGEST_DAYS = 3650
_ALTERNATIVE_FIELDS = {"poolSlots": "coresMin", "timeout": "timelimit"}
"""The field of a CWL requirement that sets a field of a hint where the hint does not."""
_MAX_MESSAGES = 3
"""How many violations of a DAG an error lists."""


@dataclass(frozen=True)
class LimitViolation:
    """A value of a DAG that Airflow cannot store, with the field of the document that it comes from."""

    message: str
    field: str = ""
    """The name of the field in the document."""
    value: Json = None


def build_dag(plan: Plan, dag_id: str, text: str | None = None, **dag_args: Any) -> CwlDag:
    """The DAG of a plan, its arguments checked. Raises a `DocumentError` with the line in the document's `text`."""
    try:
        # With `auto_register`, Airflow adds each DAG of a `with` block to its DAG file, also one with an error.
        dag = CwlDag.from_plan(plan, dag_id, **{**dag_args, "auto_register": False})
        dag.validate()  # type: ignore[no-untyped-call]
    except FieldError as error:
        raise _error_at_field(plan, text, error.message, error.field, error.value) from None
    except DocumentError as error:
        raise error if error.line else _error_at_field(plan, text, error.message) from None
    except MlcraftError:
        raise
    except Exception as error:
        # Any error of Airflow's concerns this DAG alone, and must not end the parse of the others.
        raise _error_at_field(
            plan, text, f"Airflow refuses its DAG ({type(error).__name__}: {_one_line(error)})"
        ) from None
    return dag


def serialize_dag(dag: CwlDag, text: str | None = None) -> Json:
    """The serialized form of a DAG. Raises a `DocumentError` for one that Airflow could not write to its database."""
    try:
        form = dag_serialization().to_dict(dag)
        violations = list(find_violations(dag, form))
    except Exception as error:
        message = f"Airflow cannot store its DAG ({type(error).__name__}: {_one_line(error)})"
        raise _error_at_field(dag.plan, text, message) from None
    if violations:
        first = violations[0]
        raise _error_at_field(dag.plan, text, _join_messages(violations), first.field, first.value)
    return form


def find_violations(dag: DAG, serialized: Json) -> Iterator[LimitViolation]:
    """The values of a DAG that Airflow's tables cannot hold; `serialized` is its serialized form."""
    yield from _dag_violations(dag)
    for task in dag.tasks:
        yield from _task_violations(task)
    yield from _timetable_violations(dag, serialized)
    yield from _value_violations(serialized)


@cache
def column_lengths() -> dict[str, int]:
    """The maximal lengths of the columns for texts of a document."""
    from airflow_mlcraft.adapters.airflow_core import AssetModel, DagModel, DagOwnerAttributes, DagTag, TaskInstance

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
    lengths = {name: _column_length(model, column) for name, (model, column) in columns.items()}
    return {name: length for name, length in lengths.items() if length}


def _column_length(model: Any, column: str) -> int:
    found = model.__table__.columns.get(column)
    return int(getattr(getattr(found, "type", None), "length", None) or 0)


def _dag_violations(dag: DAG) -> Iterator[LimitViolation]:
    yield from _check_length("dag_id", "the DAG's id", "id", dag.dag_id)
    yield from _check_length("display_name", "the DAG's display name", "label", dag.dag_display_name)
    for tag in sorted(dag.tags):
        yield from _check_length("tag", "a tag of the DAG", "tags", tag)
    yield from _check_length("owners", "the list of all owners of the DAG's tasks", "owner", dag.owner)
    yield from _check_range("maxActiveRuns", dag.max_active_runs, 1)
    yield from _check_range("maxActiveTasks", dag.max_active_tasks, 1)
    yield from _check_range("retries", dag.default_args.get("retries"), 0)
    if dag.start_date and not _FIRST_YEAR <= dag.start_date.year <= _LAST_YEAR:
        yield LimitViolation(
            f"startDate is {dag.start_date.date()}, expected a day of the years {_FIRST_YEAR} to {_LAST_YEAR}",
            "startDate",
        )


def _task_violations(task: Any) -> Iterator[LimitViolation]:
    yield from _check_length("task_id", "the id of a task", "id", task.task_id)
    yield from _check_length("task_display_name", "the display name of a task", "id", task.task_display_name)
    yield from _check_length("owner", "an owner", "owner", task.owner)
    yield from _check_length("pool", "a pool", "pool", task.pool)
    yield from _check_length("queue", "a queue", "queue", task.queue)
    yield from _check_range("retries", task.retries, 0)
    yield from _check_range("poolSlots", task.pool_slots, 1)
    yield from _check_range("priority", task.priority_weight, -_MAX_INTEGER)
    yield from _check_range("maxActive", task.max_active_tis_per_dagrun, 1)
    for field, time in (("retryDelay", task.retry_delay), ("timeout", task.execution_timeout)):
        if time is not None and not 0 <= time.total_seconds() <= _LONGEST_DAYS * 86400:
            yield LimitViolation(f"{field} is {time}, expected at most {_LONGEST_DAYS} days", field)


def _timetable_violations(dag: DAG, serialized: Json) -> Iterator[LimitViolation]:
    """Violations of the schedule: Airflow computes the next run as it stores a DAG."""
    from airflow.timetables.base import TimeRestriction

    timetable = read_timetable(serialized)
    yield from _check_length("schedule", "Airflow's description of the schedule", "schedule", timetable.description)
    for asset in _assets_of(timetable):
        yield from _check_length("asset", "the URI of an asset", "scheduleOn", asset)
    if not timetable.can_be_scheduled:
        return
    start: Any = dag.start_date
    restriction = TimeRestriction(earliest=start, latest=None, catchup=dag.catchup)
    try:
        timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    except Exception as error:
        # A valid cron expression can name a day that no year has.
        text = " ".join(str(error).split())[:200]
        yield LimitViolation(
            f"the schedule {dag.schedule!r} has no next run ({type(error).__name__}: {text})", "schedule"
        )


def _assets_of(timetable: Any) -> Iterator[str]:
    return (asset.uri for _, asset in timetable.asset_condition.iter_assets())


def _check_length(column: str, what: str, field: str, text: Any) -> Iterator[LimitViolation]:
    limit = column_lengths().get(column)
    if limit and isinstance(text, str) and len(text) > limit:
        yield LimitViolation(
            f"{what} has {len(text):,} characters, and Airflow keeps at most {limit:,}: {_shortened_repr(text)}",
            field,
            text,
        )


def _check_range(field: str, value: Any, lowest: int) -> Iterator[LimitViolation]:
    if isinstance(value, int) and not lowest <= value <= _MAX_INTEGER:
        yield LimitViolation(
            f"{field} is {value}, expected a whole number from {lowest} to {_MAX_INTEGER:,}", field, value
        )


def _value_violations(serialized: Json, field: str = "") -> Iterator[LimitViolation]:
    """Texts and numbers anywhere in the serialized form that the database cannot store."""
    if isinstance(serialized, dict):
        for key, value in serialized.items():
            yield from _value_violations(str(key), field)
            yield from _value_violations(value, str(key))
    elif isinstance(serialized, (list, tuple)):
        for value in serialized:
            yield from _value_violations(value, field)
    elif isinstance(serialized, str):
        found = _UNSTORABLE.search(serialized)
        if found:
            character = "the character NUL" if found[0] == "\0" else "half of a surrogate pair"
            yield LimitViolation(
                f"found {character} in {_shortened_repr(serialized)}, which Airflow's database does not take",
                "",
                serialized,
            )
    elif isinstance(serialized, int) and not -_MAX_LONG <= serialized <= _MAX_LONG:
        yield LimitViolation(
            f"found the number {_shortened_repr(str(serialized))}, which has more than 64 bits", "", serialized
        )


def _shortened_repr(text: str) -> str:
    return ascii(text if len(text) <= _MAX_SHOWN_CHARACTERS else f"{text[:_MAX_SHOWN_CHARACTERS]}…").replace(
        "\\u2026", "…"
    )


def _join_messages(violations: list[LimitViolation]) -> str:
    messages = list(dict.fromkeys(violation.message for violation in violations))
    more = len(messages) - _MAX_MESSAGES
    return "; ".join(messages[:_MAX_MESSAGES]) + (f"; and {more} more" if more > 0 else "")


def _error_at_field(plan: Plan, text: str | None, message: str, field: str = "", value: Json = None) -> DocumentError:
    """An error at the line of a field; at the first line where the document has no such field, as in another file."""
    # Imported only for errors, as it loads the YAML parser.
    from airflow_mlcraft.cwl.errors.source_positions import find_field_line

    path = Path(plan.base) / plan.file
    if text is None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
    line = find_field_line(text, field, value) or (
        find_field_line(text, _ALTERNATIVE_FIELDS[field]) if field in _ALTERNATIVE_FIELDS else None
    )
    return DocumentError(message, path=str(path), line=line or 1)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
