"""What is wrong with a document, for an editor: each problem with its place in the text and its step."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from airflow_mlcraft.common.cwl_types import short_type
from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.airflow_limits import build_dag, serialize_dag
from airflow_mlcraft.errors import DocumentError, MlcraftError
from airflow_mlcraft.library.sandbox import FaultsError, Reading, Workshop
from airflow_mlcraft.library.shallow_yaml import TooMuchError, composed

_TYPE = re.compile(r'of type ("[^"]*"|[\[{].*?[\]}])(?=[ ;,.]|$)')
"""A type as cwltool writes it, which is JSON."""


@dataclass(frozen=True)
class Problem:
    """One line of a list of problems."""

    message: str
    line: int | None = None
    column: int | None = None
    step: str | None = None
    severity: str = "error"

    def to_json(self) -> Json:
        """For a page."""
        return asdict(self)


class Places:
    """The steps of a text, and the lines that each of them has."""

    def __init__(self, text: str):
        """Raises a `TooMuchError` for a text that nothing should read."""
        self.steps: dict[str, tuple[int, int]] = {}
        try:
            self.steps.update(_steps(composed(text)))
        except TooMuchError:
            raise
        except DocumentError:
            # Whoever reads it next says what is wrong with it.
            pass

    def step_at(self, line: int | None) -> str | None:
        """The step that a line belongs to; the innermost, of an embedded workflow."""
        around = [(first, name) for name, (first, last) in self.steps.items() if line and first <= line <= last]
        return max(around)[1] if around else None

    def step_named_in(self, message: str) -> str | None:
        """The step that a sentence names."""
        named = [name for name in self.steps if re.search(rf"(?<![\w/]){re.escape(name)}(?![\w])", message)]
        return max(named, key=len, default=None)

    def line_of(self, step: str | None) -> int | None:
        """Where a step begins."""
        return self.steps[step][0] if step in self.steps else None


def problem_of(error: MlcraftError, path: Path, places: Places, folders: Collection[Path]) -> Problem:
    """An error as a problem of the document at `path`; other files are called by their paths below the folders."""
    message = _shortened(error.message if isinstance(error, DocumentError) else str(error), folders)
    line, column = (error.line, error.column) if isinstance(error, DocumentError) else (None, None)
    if isinstance(error, DocumentError) and error.path and Path(error.path).name != path.name:
        message = f"in {_shortened(Path(error.path).as_uri(), folders)}{f', line {line}' if line else ''}: {message}"
        line = column = None
    step = places.step_at(line) if line else places.step_named_in(message)
    return Problem(message, line or places.line_of(step), column, step)


def _shortened(message: str, folders: Collection[Path]) -> str:
    for folder in folders:
        message = message.replace(f"{folder.as_uri()}/", "")
    return _TYPE.sub(lambda found: f"of type {_type(found[1])}", message)


def _type(text: str) -> str:
    try:
        cwl_type = short_type(json.loads(text))
    except ValueError:
        return text
    return cwl_type if isinstance(cwl_type, str) else json.dumps(cwl_type)


def _steps(node: yaml.Node | None, seen: tuple[int, ...] = ()) -> Iterator[tuple[str, tuple[int, int]]]:
    if not isinstance(node, yaml.MappingNode) or id(node) in seen:
        return
    for key, value in node.value:
        if getattr(key, "value", "") == "steps":
            yield from _entries(value, (*seen, id(node)))
        elif getattr(key, "value", "") == "$graph" and isinstance(value, yaml.SequenceNode):
            for process in value.value:
                yield from _steps(process, (*seen, id(node)))


def _entries(node: yaml.Node, seen: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    if isinstance(node, yaml.MappingNode):
        found = [(key.value, key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
    elif isinstance(node, yaml.SequenceNode):
        found = [(_field(step, "id"), step, step) for step in node.value]
    else:
        return
    for name, first, step in found:
        yield name, (first.start_mark.line + 1, max(first.start_mark.line + 1, _last_line(step)))
        if isinstance(step, yaml.MappingNode):
            for key, value in step.value:
                if getattr(key, "value", "") == "run":
                    yield from _steps(value, seen)


def _last_line(node: yaml.Node) -> int:
    """A block ends where the next thing begins: at column 0 of a line, or after its indentation."""
    line: int = node.end_mark.line
    in_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    return line if in_block else line + 1


def _field(node: yaml.Node, name: str) -> str:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if getattr(key, "value", "") == name and isinstance(value, yaml.ScalarNode):
                return str(value.value).rpartition("#")[2].rpartition("/")[2]
    return ""


def check(
    workshop: Workshop, path: Path, text: str, dag_id: str, reading: Reading, *, keep: bool = False
) -> list[Problem]:
    """The problems of a text as if it were at `path`. With `keep` it is there, and is compiled for Airflow as well."""
    try:
        places = Places(text)
    except DocumentError as error:
        return [Problem(error.message, error.line)]
    errors: list[MlcraftError] = []
    try:
        for plan in workshop.plans(path, None if keep else text, reading, keep=keep):
            errors += _of_dag(plan, dag_id, text)
    except FaultsError as faults:
        errors += faults.errors
    found = dict.fromkeys(problem_of(error, path, places, reading.allowed_folders) for error in errors)
    return sorted(found, key=lambda problem: problem.line or 0)


def _of_dag(plan: Plan, dag_id: str, text: str) -> list[MlcraftError]:
    """What Airflow, or one of our hints, has against the DAG."""
    try:
        serialize_dag(build_dag(plan, dag_id, text), text)
    except MlcraftError as error:
        return [error]
    return []
