"""The route of one step of a run: its items, command line, inputs and outputs, the end of its log, and links."""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from airflow_mlcraft.adapters.airflow_api import DagAccessEntity, SessionDep, requires_access_dag
from airflow_mlcraft.adapters.airflow_core import TaskInstance, read_log_lines
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.layout import Layout
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.links import DataVersionLink, MlflowRunLink, ReusedRunLink, task_instance_page
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.operators.xcom_overflow import from_xcom
from airflow_mlcraft.plugin.web.access import Access, AccessDep
from airflow_mlcraft.plugin.web.fused_states import load_fused_records
from airflow_mlcraft.plugin.web.graph import plan_of_dag
from airflow_mlcraft.plugin.web.run_state import row_time_to_iso, timestamp_to_iso
from airflow_mlcraft.plugin.web.xcom_values import XComPuller, to_shown_value

router = APIRouter()
_ITEMS = 1000
_ROW: Any = TaskInstance
"""TaskInstance as Any, because the annotations of some of its columns are incomplete."""


class RunReader:
    """The user's access to the parts of a run, and the database session."""

    def __init__(self, access: Access, session: Session) -> None:
        self.session = session
        self._access = access

    def can_read(self, dag_id: str, entity: DagAccessEntity) -> bool:
        """Whether the user may see that part of the DAG's runs."""
        return self._access.can("GET", dag_id, entity)


def _run_reader(access: AccessDep, session: SessionDep) -> RunReader:
    return RunReader(access, session)


RunReaderDep = Annotated[RunReader, Depends(_run_reader)]


@router.get(
    "/dags/{dag_id}/runs/{run_id}/steps/{key:path}",
    dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE))],
)
def step_details(
    dag_id: str, run_id: str, key: str, reader: RunReaderDep, map_index: int | None = None
) -> dict[str, Any]:
    """The details of the step with this key in the graph; with `map_index`, of one item of a scatter."""
    session = reader.session
    layout = plan_of_dag(session, dag_id, run_id).layout
    step_layout = _find_step_layout(layout, key)
    if not step_layout.has_task or (step_layout.fused_path and map_index is not None):
        return _fused_step_details(dag_id, run_id, reader, layout, step_layout, map_index)
    instances = _load_instances(session, dag_id, run_id, step_layout.task_id)
    if map_index is None and len(instances) == 1:
        map_index = instances[0].map_index
    instance = next((each for each in instances if each.map_index == map_index), None)
    xcoms = XComPuller(session, dag_id, run_id, map_index)
    log = TaskLog()
    if instance is not None and step_layout.subworkflow is None and reader.can_read(dag_id, DagAccessEntity.TASK_LOGS):
        log = _read_instance_log(session, instance)
    sees_values = reader.can_read(dag_id, DagAccessEntity.XCOM)
    items = [_item_to_json(each) for each in instances] if step_layout.axis is not None else []
    if step_layout.fused_path:
        items = _record_items(load_fused_records(session, dag_id, run_id, layout.root).get(step_layout.fused_path, []))
    return {
        "items": items,
        "state": str(instance.state) if instance is not None and instance.state else None,
        "tries": instance.try_number if instance is not None else 0,
        "command": log.command,
        "log_tail": log.tail or None,
        **(_values(layout, step_layout, xcoms, map_index) if sees_values else {"inputs": None, "outputs": None}),
        "links": {
            "task": task_instance_page(dag_id, run_id, step_layout.task_id, map_index),
            **(
                _links(layout, step_layout, xcoms, map_index)
                if sees_values
                else {"mlflow": None, "made_by": None, "data": []}
            ),
        },
    }


def _fused_step_details(  # noqa: PLR0917
    dag_id: str, run_id: str, reader: RunReader, layout: Layout, step_layout: StepLayout, number: int | None
) -> dict[str, Any]:
    """The details of a step in a fused task; `number` picks one of its runs."""
    session = reader.session
    records = load_fused_records(session, dag_id, run_id, layout.root).get(step_layout.fused_path, [])
    if number is None and len(records) == 1:
        number = 0
    record = records[number] if number is not None and 0 <= number < len(records) else {}
    instances = _load_instances(session, dag_id, run_id, step_layout.task_id)
    log = TaskLog()
    if record and instances and reader.can_read(dag_id, DagAccessEntity.TASK_LOGS):
        name = step_layout.fused_path + "".join(f"[{index}]" for index in record["index"])
        log = _read_instance_log(session, instances[0], f"{name}: ")
    sees_values = reader.can_read(dag_id, DagAccessEntity.XCOM)
    return {
        "items": _record_items(records) if len(records) > 1 else [],
        "state": record.get("state"),
        "tries": instances[0].try_number if instances else 0,
        "command": log.command,
        "log_tail": log.tail or None,
        "inputs": to_shown_value(record.get("inputs")) if sees_values else None,
        "outputs": to_shown_value(record.get("outputs")) if sees_values else None,
        "links": {
            "task": task_instance_page(dag_id, run_id, step_layout.task_id, None),
            "mlflow": None,
            "made_by": None,
            "data": [],
        },
    }


def _record_items(records: list[dict[str, Any]]) -> list[Json]:
    return [_record_to_json(position, record) for position, record in enumerate(records[:_ITEMS])]


def _record_to_json(position: int, record: Mapping[str, Any]) -> Json:
    start, end = (timestamp_to_iso(record[name]) if record.get(name) else None for name in ("start", "end"))
    label = ".".join(str(index) for index in record["index"])
    return {"map_index": position, "label": label, "state": record["state"], "start": start, "end": end, "tries": 1}


def _find_step_layout(layout: Layout, key: str) -> StepLayout:
    path, _, step = key.rpartition("step:")
    try:
        return layout.shown_step(f"{path}{step}")
    except KeyError:
        raise HTTPException(404, f"There is no step {key} in this workflow") from None


def _load_instances(session: Session, dag_id: str, run_id: str, task_id: str) -> list[Any]:
    query = (
        select(_ROW)
        .where(_ROW.dag_id == dag_id, _ROW.run_id == run_id, _ROW.task_id == task_id)
        .order_by(_ROW.map_index)
        .limit(_ITEMS)
    )
    return list(session.scalars(query))


def _item_to_json(instance: Any) -> Json:
    return {
        "map_index": instance.map_index,
        "label": instance.rendered_map_index or (str(instance.map_index) if instance.map_index >= 0 else ""),
        "state": str(instance.state) if instance.state else None,
        "start": row_time_to_iso(instance.start_date),
        "end": row_time_to_iso(instance.end_date),
        "tries": instance.try_number,
    }


def _values(layout: Layout, step_layout: StepLayout, xcoms: XComPuller, map_index: int | None) -> dict[str, Json]:
    """The inputs, before expressions, and the outputs; None for those that do not exist yet."""
    values = Values(xcoms, step_layout.axis)
    return {
        "inputs": _to_shown_value_or_none(lambda: _inputs(values, step_layout, map_index)),
        "outputs": _to_shown_value_or_none(lambda: _outputs(values, layout, step_layout, map_index)),
    }


def _inputs(values: Values, step_layout: StepLayout, map_index: int | None) -> Json:
    is_one_item = step_layout.axis is not None and map_index is not None and map_index >= 0
    item = values.instance_items()[0] if is_one_item else 0
    if step_layout.step.scatter and is_one_item and step_layout.axis is not None and step_layout.subworkflow is None:
        return values.items(step_layout.axis).jobs[item]
    return values.step_inputs(step_layout, item)


def _outputs(values: Values, layout: Layout, step_layout: StepLayout, map_index: int | None) -> Json:
    if step_layout.subworkflow is not None:
        return values.outputs(step_layout.subworkflow) if step_layout.axis is None else None
    if step_layout.axis is None:
        return from_xcom(values.ti.xcom_pull(step_layout.task_id, map_indexes=-1))
    if map_index is not None:
        return from_xcom(values.ti.xcom_pull(step_layout.task_id, map_indexes=map_index))
    return {output: values.collect_step_output(step_layout, output) for output in step_layout.step.outputs}


def _to_shown_value_or_none(read: Callable[[], Json]) -> Json:
    """The value; None before the tasks that produce it have run, or without access to the store."""
    try:
        value = read()
    except (MlcraftError, KeyError, IndexError, TypeError, AttributeError):
        return None
    return None if value is None else to_shown_value(value)


def _read_instance_log(session: Session, instance: Any, prefix: str = "") -> TaskLog:
    instance_with_run = session.scalar(
        select(_ROW).where(_ROW.id == instance.id).options(joinedload(_ROW.dag_run), joinedload(_ROW.dag_model))
    )
    return read_task_log(instance_with_run, prefix)


def _links(layout: Layout, step_layout: StepLayout, xcoms: XComPuller, map_index: int | None) -> dict[str, Json]:
    """Links that the task has pushed, and for its data those of the task that versions it."""
    index = -1 if map_index is None else map_index
    path = "/".join((*step_layout.parent.path, step_layout.step.id))
    return {
        "mlflow": _read_link(xcoms, MlflowRunLink, step_layout.task_id, index),
        "made_by": _read_link(xcoms, ReusedRunLink, step_layout.task_id, index),
        "data": [
            {"output": hint.port, "path": hint.path, **_version(xcoms, layout.version_task_id, hint.path)}
            for hint in layout.data_hints
            if hint.step == path and not hint.is_input
        ],
    }


def _read_link(xcoms: XComPuller, kind: type[Any], task_id: str, map_index: int) -> str | None:
    link = str(xcoms.xcom_pull(task_id, key=kind().xcom_key, map_indexes=map_index) or "")
    return link if link.startswith(("/", "http://", "https://")) else None


def _version(xcoms: XComPuller, task_id: str, path: str) -> Json:
    data_version = xcoms.xcom_pull(task_id, map_indexes=-1)
    if not isinstance(data_version, dict):
        return {}
    page = _read_link(xcoms, DataVersionLink, task_id, -1)
    return {
        "commit": data_version.get("commit"),
        **data_version.get("data", {}).get(path, {}),
        **({"href": page} if page else {}),
    }


_TAIL_LINES = 200
_MAX_LINES_READ = 200_000
"""Lines of a log that are read to find its end."""
_MAX_COMMAND_LINES = 500
_COMMAND = re.compile(r"^\[job [^\]]+\] \S+\$ (?P<command>.*)$")
_RUN_FOLDER = re.compile(r"/[^\s'\"]*/tmp/[^/\s'\"]+/run\d+/(?:stage/stg[0-9a-f-]+|out|tmp/\w+)(?:/|(?=[\s'\"]|$))")
"""Folders of a tool's run, which were created for it and no longer exist."""


@dataclass(frozen=True)
class TaskLog:
    """The parts of a log that the page shows."""

    tail: str = ""
    command: str | None = None


def read_task_log(instance: Any, prefix: str = "") -> TaskLog:
    """The end of the log of a task instance's last try, and the command line in it.

    With a prefix, only of the lines that begin with it: those of one step in a fused task.
    """
    if not instance.try_number:
        return TaskLog()
    lines = islice(_lines(read_log_lines(instance, instance.try_number)), _MAX_LINES_READ)
    return _parse_log(line.removeprefix(prefix) for line in lines if line.startswith(prefix))


def _parse_log(lines: Iterable[str]) -> TaskLog:
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    command: list[str] = []
    is_continued = False
    for line in lines:
        tail.append(line)
        if started := _COMMAND.match(line):
            command, is_continued = [started["command"]], True
        elif is_continued:
            command.append(line)
        is_continued = is_continued and len(command) < _MAX_COMMAND_LINES and _is_open(command)
    text = _RUN_FOLDER.sub("", "\n".join(command))
    return TaskLog("\n".join(tail), text or None)


def _is_open(command: list[str]) -> bool:
    """Whether a command line goes on in the next line: by its last word, or within quotes."""
    if command[-1].endswith(" \\"):
        return True
    try:
        shlex.split("\n".join(command))
    except ValueError:
        return True
    return False


def _lines(stream: Any) -> Iterator[str]:
    for message in stream:
        event = getattr(message, "event", None)
        text = str(event if event is not None else message)
        if text.startswith(("::group::", "::endgroup::")):
            continue
        error = getattr(message, "error_detail", None)
        yield text
        if error:
            yield from (f"{one.get('exc_type', '')}: {one.get('exc_value', '')}" for one in error)
