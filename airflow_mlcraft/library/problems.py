"""The problems of a document, for an editor: each with its line in the text and its step."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from airflow_mlcraft.common.cwl_types import local_name, shorten_type
from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.airflow_limits import build_dag, serialize_dag
from airflow_mlcraft.errors import DocumentError, MlcraftError
from airflow_mlcraft.library.sandbox import DocumentAccess, FaultsError, Sandbox
from airflow_mlcraft.library.shallow_yaml import YamlLimitError, compose_nodes

_JSON_TYPE = re.compile(r'of type ("[^"]*"|[\[{].*?[\]}])(?=[ ;,.]|$)')
"""A type in a message of cwltool, which is JSON."""


@dataclass(frozen=True)
class Problem:
    """A problem of a document."""

    message: str
    line: int | None = None
    column: int | None = None
    step: str | None = None
    severity: str = "error"

    def to_json(self) -> Json:
        """Return the JSON object for the web page."""
        return asdict(self)


class StepLines:
    """The steps of a document's text, and the first and last line of each."""

    def __init__(self, text: str):
        """Raises `YamlLimitError` for a text that is too deep or too large to read."""
        self.steps: dict[str, tuple[int, int]] = {}
        try:
            self.steps.update(_iter_steps(compose_nodes(text)))
        except YamlLimitError:
            raise
        except DocumentError:
            # The loader reports the error.
            pass

    def find_step_at(self, line: int | None) -> str | None:
        """Return the innermost step that contains a line."""
        enclosing = [(first, name) for name, (first, last) in self.steps.items() if line and first <= line <= last]
        return max(enclosing)[1] if enclosing else None

    def find_step_in_message(self, message: str) -> str | None:
        """Return the step whose name is in a message."""
        named = [name for name in self.steps if re.search(rf"(?<![\w/]){re.escape(name)}(?![\w])", message)]
        return max(named, key=len, default=None)

    def first_line(self, step: str | None) -> int | None:
        """Return the first line of a step."""
        return self.steps[step][0] if step in self.steps else None


def to_problem(error: MlcraftError, path: Path, step_lines: StepLines, folders: Collection[Path]) -> Problem:
    """Convert an error to a problem of the document at `path`; paths of other files are relative to the folders."""
    message = _shorten_message(error.message if isinstance(error, DocumentError) else str(error), folders)
    line, column = (error.line, error.column) if isinstance(error, DocumentError) else (None, None)
    if isinstance(error, DocumentError) and error.path and Path(error.path).name != path.name:
        message = (
            f"in {_shorten_message(Path(error.path).as_uri(), folders)}{f', line {line}' if line else ''}: {message}"
        )
        line = column = None
    step = step_lines.find_step_at(line) if line else step_lines.find_step_in_message(message)
    return Problem(message, line or step_lines.first_line(step), column, step)


def _shorten_message(message: str, folders: Collection[Path]) -> str:
    for folder in folders:
        message = message.replace(f"{folder.as_uri()}/", "")
    return _JSON_TYPE.sub(lambda found: f"of type {_shorten_type(found[1])}", message)


def _shorten_type(text: str) -> str:
    try:
        cwl_type = shorten_type(json.loads(text))
    except ValueError:
        return text
    return cwl_type if isinstance(cwl_type, str) else json.dumps(cwl_type)


def _iter_steps(node: yaml.Node | None, seen: tuple[int, ...] = ()) -> Iterator[tuple[str, tuple[int, int]]]:
    if not isinstance(node, yaml.MappingNode) or id(node) in seen:
        return
    for key, value in node.value:
        if getattr(key, "value", "") == "steps":
            yield from _iter_entries(value, (*seen, id(node)))
        elif getattr(key, "value", "") == "$graph" and isinstance(value, yaml.SequenceNode):
            for process in value.value:
                yield from _iter_steps(process, (*seen, id(node)))


def _iter_entries(node: yaml.Node, seen: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    if isinstance(node, yaml.MappingNode):
        found = [(key.value, key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    elif isinstance(node, yaml.SequenceNode):
        found = [(_get_id_field(step, "id"), step, step) for step in node.value]
    else:
        return
    for name, first, step in found:
        yield name, (first.start_mark.line + 1, max(first.start_mark.line + 1, _last_line(step)))
        if isinstance(step, yaml.MappingNode):
            for key, value in step.value:
                if getattr(key, "value", "") == "run":
                    yield from _iter_steps(value, seen)


def _last_line(node: yaml.Node) -> int:
    """Return the last line of a node. The end mark of a block is at the start of the next node."""
    line: int = node.end_mark.line
    in_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    return line if in_block else line + 1


def _get_id_field(node: yaml.Node, name: str) -> str:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if getattr(key, "value", "") == name and isinstance(value, yaml.ScalarNode):
                return local_name(value.value)
    return ""


def find_problems(
    sandbox: Sandbox, path: Path, text: str, dag_id: str, access: DocumentAccess, *, keep: bool = False
) -> list[Problem]:
    """Find the problems of a text as the content of `path`. With `keep`, that file is read, and its plan cached."""
    try:
        step_lines = StepLines(text)
    except DocumentError as error:
        return [Problem(error.message, error.line)]
    errors: list[MlcraftError] = []
    try:
        for plan in sandbox.compile(path, None if keep else text, access, keep=keep):
            errors += _find_dag_errors(plan, dag_id, text)
    except FaultsError as faults:
        errors += faults.errors
    found = dict.fromkeys(to_problem(error, path, step_lines, access.allowed_folders) for error in errors)
    return sorted(found, key=lambda problem: problem.line or 0)


def _find_dag_errors(plan: Plan, dag_id: str, text: str) -> list[MlcraftError]:
    """Find the errors of the DAG: from Airflow's limits, or from a `mlcraft:` hint."""
    try:
        serialize_dag(build_dag(plan, dag_id, text), text)
    except MlcraftError as error:
        return [error]
    return []
