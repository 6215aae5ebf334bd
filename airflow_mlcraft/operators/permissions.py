"""What a run may use: everything on one's own machine; on a server what the document and the settings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json, Plan, Step, ToolRef, Workflow
from airflow_mlcraft.cwl.portable import placed
from airflow_mlcraft.errors import MlcraftError, RefusedError
from airflow_mlcraft.steps.permissions import Permissions, remember_code, texts_of
from airflow_mlcraft.store.values import each_file_or_directory, local_path

if TYPE_CHECKING:
    from airflow_mlcraft.store.store import Store

_LEDGER = ("state", "code")
_CODE = ".py"


def is_own_machine() -> bool:
    """Whether the task runs in the process of the person who started it: `mlcraft`, or `airflow dags test`.

    On a server a task talks to a supervisor in another process, whoever has started the run.
    """
    from airflow.sdk.execution_time import task_runner

    return type(getattr(task_runner, "SUPERVISOR_COMMS", None)).__name__ == "InProcessSupervisorComms"


def permissions_of(
    plan: Plan, tool: Json = None, store: Store | None = None, staged: Path | None = None
) -> Permissions:
    """The permissions of a run of a plan, or of one step of it with its tool, whose files are staged in a folder."""
    if is_own_machine():
        return Permissions()
    private = settings.get("private_addresses")
    if private not in ("refuse", "allow"):
        raise MlcraftError(f"[mlcraft] private_addresses is {private!r}, expected refuse or allow")
    given = [*_given(plan.root), *(_given_by_tool(tool) if tool else ())]
    values = [placed(value, plan.base) for value in given]
    return Permissions(
        everything=False,
        run_code=settings.get_bool("run_code"),
        known=tuple(sorted({text for value in values for text in texts_of(value)})),
        code=tuple(sorted({path for one in each_file_or_directory(values) if (path := local_path(one))})),
        staged=str(staged or ""),
        ledger=str(store.root.joinpath(*_LEDGER)) if store is not None else "",
        connections=settings.get_list("allowed_connections"),
        secrets=settings.get_list("allowed_secrets"),
        paths=settings.get_list("allowed_paths"),
        hosts=settings.get_list("allowed_hosts"),
        private=private == "allow",
    )


def check_run_inputs(job: Mapping[str, Json], permissions: Permissions) -> None:
    """Refuse a File or Directory of a run that lies where a run may not read."""
    if permissions.everything:
        return
    own = set(permissions.code)
    for name, value in job.items():
        for item in each_file_or_directory(value):
            try:
                _check_location(item, own, permissions)
            except RefusedError as error:
                raise RefusedError(f"input '{name}': {error}") from None


def _check_location(item: Mapping[str, Any], own: set[str], permissions: Permissions) -> None:
    path = local_path(item)
    if path:
        if path not in own:
            permissions.check_path(Path(path), path)
        return
    location = str(item.get("location") or "")
    if location and not location.startswith(("store:", "_:")):
        permissions.check_source(location if "://" in location else location.replace(":", "://", 1))


def check_job_requirements(requirements: list[Json]) -> None:
    """Requirements in a run's inputs add JavaScript, files and variables to a tool: not on a server."""
    if requirements and not is_own_machine() and not settings.get_bool("allow_job_requirements"):
        kinds = ", ".join(sorted({str(one.get("class")) for one in requirements if isinstance(one, Mapping)}))
        raise RefusedError(
            f"the run brings cwl:requirements ({kinds}), which are for the command line; put them into the document, "
            "or let an administrator set [mlcraft] allow_job_requirements"
        )


def remember_code_of(plan: Plan, job: Mapping[str, Json], store: Store) -> None:
    """Note the code that the document gives to a run: it stays the document's when its file is edited later."""
    own = {local_path(one) for one in each_file_or_directory([placed(value, plan.base) for value in _given(plan.root)])}
    for item in each_file_or_directory(dict(job)):
        path = local_path(item)
        if path.endswith(_CODE) and path in own and Path(path).is_file():
            remember_code(store.root.joinpath(*_LEDGER), Path(path))


def _given(workflow: Workflow) -> Iterator[Json]:
    """What a workflow itself gives: defaults of its inputs, defaults and constants of its steps' inputs."""
    yield from (port.default for port in workflow.inputs if port.has_default)
    for step in workflow.steps:
        yield from _given_by_step(step)
        if not isinstance(step.run, ToolRef):
            yield from _given(step.run)


def _given_by_step(step: Step) -> Iterator[Json]:
    for link in step.links:
        if link.has_default:
            yield link.default
        if link.value_from and not _is_expression(link.value_from):
            yield link.value_from


def _given_by_tool(tool: Json) -> Iterator[Json]:
    yield from (port["default"] for port in tool.get("inputs", ()) if "default" in port)
    for argument in tool.get("arguments") or ():
        text = argument.get("valueFrom") if isinstance(argument, Mapping) else argument
        if isinstance(text, str) and not _is_expression(text):
            yield text


def _is_expression(text: str) -> bool:
    return "$(" in text or "${" in text
