"""The permissions of a run: everything on the user's own machine; on a server what document and settings allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft import settings
from airflow_mlcraft.adapters.airflow_sdk import has_supervisor_in_process
from airflow_mlcraft.cwl.plan import Json, Plan, Step, ToolRef, Workflow
from airflow_mlcraft.cwl.portable import restore_locations
from airflow_mlcraft.errors import MlcraftError, RefusedError
from airflow_mlcraft.steps.permissions import Permissions, find_texts, remember_code
from airflow_mlcraft.store.values import iterate_files_and_directories, local_path

if TYPE_CHECKING:
    from airflow_mlcraft.store.store import Store

_LEDGER = ("state", "code")
_CODE_SUFFIX = ".py"


def is_own_machine() -> bool:
    """Whether the task runs in the process of the user who started it: `mlcraft`, or `airflow dags test`.

    On a server a task has its supervisor in another process.
    """
    return has_supervisor_in_process()


def build_permissions(
    plan: Plan, tool: Json = None, store: Store | None = None, staged: Path | None = None
) -> Permissions:
    """The permissions of a run of a plan, or of one step of it with its tool, whose files are in `staged`."""
    if is_own_machine():
        return Permissions()
    private = settings.get("private_addresses")
    if private not in ("refuse", "allow"):
        raise MlcraftError(f"[mlcraft] private_addresses is {private!r}, expected refuse or allow")
    constants = [*_workflow_constants(plan.root), *(_tool_constants(tool) if tool else ())]
    values = [restore_locations(value, plan.base) for value in constants]
    return Permissions(
        everything=False,
        run_code=settings.get_bool("run_code"),
        known=tuple(sorted({text for value in values for text in find_texts(value)})),
        code=tuple(sorted({path for item in iterate_files_and_directories(values) if (path := local_path(item))})),
        staged=str(staged or ""),
        ledger=str(store.root.joinpath(*_LEDGER)) if store is not None else "",
        connections=settings.get_list("allowed_connections"),
        secrets=settings.get_list("allowed_secrets"),
        paths=settings.get_list("allowed_paths"),
        hosts=settings.get_list("allowed_hosts"),
        private=private == "allow",
    )


def check_run_inputs(job: Mapping[str, Json], permissions: Permissions) -> None:
    """Raise a `RefusedError` for a File or Directory of a run's inputs that a run may not read."""
    if permissions.everything:
        return
    document_files = set(permissions.code)
    for name, value in job.items():
        for item in iterate_files_and_directories(value):
            try:
                _check_location(item, document_files, permissions)
            except RefusedError as error:
                raise RefusedError(f"input '{name}': {error}") from None


def _check_location(item: Mapping[str, Any], document_files: set[str], permissions: Permissions) -> None:
    path = local_path(item)
    if path:
        if path not in document_files:
            permissions.check_path(Path(path), path)
        return
    location = str(item.get("location") or "")
    if location and not location.startswith(("store:", "_:")):
        permissions.check_source(location if "://" in location else location.replace(":", "://", 1))


def check_job_requirements(requirements: list[Json]) -> None:
    """Refuse requirements in a run's inputs on a server: they add JavaScript, files and variables to a tool."""
    if requirements and not is_own_machine() and not settings.get_bool("allow_job_requirements"):
        kinds = ", ".join(
            sorted({str(requirement.get("class")) for requirement in requirements if isinstance(requirement, Mapping)})
        )
        raise RefusedError(
            f"the run brings cwl:requirements ({kinds}), which are for the command line; put them into the document, "
            "or let an administrator set [mlcraft] allow_job_requirements"
        )


def record_document_code(plan: Plan, job: Mapping[str, Json], store: Store) -> None:
    """Record the hashes of the document's Python files in a run's inputs: they stay permitted when edited later."""
    constants = [restore_locations(value, plan.base) for value in _workflow_constants(plan.root)]
    document_files = {local_path(item) for item in iterate_files_and_directories(constants)}
    for item in iterate_files_and_directories(dict(job)):
        path = local_path(item)
        if path.endswith(_CODE_SUFFIX) and path in document_files and Path(path).is_file():
            remember_code(store.root.joinpath(*_LEDGER), Path(path))


def _workflow_constants(workflow: Workflow) -> Iterator[Json]:
    """The values in a workflow's document: defaults of its inputs, defaults and constants of its steps' inputs."""
    yield from (port.default for port in workflow.inputs if port.has_default)
    for step in workflow.steps:
        yield from _step_constants(step)
        if not isinstance(step.run, ToolRef):
            yield from _workflow_constants(step.run)


def _step_constants(step: Step) -> Iterator[Json]:
    for link in step.links:
        if link.has_default:
            yield link.default
        if link.value_from and not _is_expression(link.value_from):
            yield link.value_from


def _tool_constants(tool: Json) -> Iterator[Json]:
    yield from (port["default"] for port in tool.get("inputs", ()) if "default" in port)
    for argument in tool.get("arguments") or ():
        text = argument.get("valueFrom") if isinstance(argument, Mapping) else argument
        if isinstance(text, str) and not _is_expression(text):
            yield text


def _is_expression(text: str) -> bool:
    return "$(" in text or "${" in text
