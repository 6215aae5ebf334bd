"""Check documents without an Airflow: what they are, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.discover import documents_in
from airflow_mlcraft.cwl.plan import Json, Plan, Workflow
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError


@dataclass(frozen=True)
class Checked:
    """A document that was checked: a line about it, or its error."""

    document: str
    summary: str = ""
    error: DocumentError | None = None

    def error_as_json(self) -> Json:
        """The error's parts, or null."""
        if self.error is None:
            return None
        return {
            "path": self.error.path,
            "line": self.error.line,
            "column": self.error.column,
            "message": self.error.message,
        }


def plan_of_document(document: str) -> Plan:
    """The plan of `path` or `path#id`, compiled now."""
    from airflow_mlcraft.cwl.compile import compile_document
    from airflow_mlcraft.cwl.load import load

    path, _, fragment = document.partition("#")
    if not Path(path).is_file():
        raise DocumentError(f"there is no document {path}")
    return compile_document(load(Path(path), fragment))[0]


def cached_plan_of_document(document: str, cache: Path) -> Plan:
    """The same plan, compiled only where the cache has none for the document as it is now."""
    path, _, fragment = document.partition("#")
    if not Path(path).is_file():
        raise DocumentError(f"there is no document {path}")
    kept = PlanCache(cache)
    try:
        return kept.plan_of(Path(path), fragment)
    except OSError:
        # A cache that cannot be written is no reason not to draw.
        return plan_of_document(document)


def check_documents(names: Iterable[str]) -> Iterator[Checked]:
    """Check documents, and all documents of folders."""
    for name in names:
        for document in map(str, documents_in(Path(name))) if Path(name).is_dir() else [name]:
            try:
                yield Checked(document, _checked(document))
            except DocumentError as error:
                yield Checked(document, error=error)


def _checked(document: str) -> str:
    try:
        return _summary(plan_of_document(document))
    except SeveralProcessesError as several:
        summaries = [f"#{name}: {_summary(plan_of_document(f'{document}#{name}'))}" for name in several.names]
        return f"{len(several.names)} processes; " + "; ".join(summaries)


def _summary(plan: Plan) -> str:
    root = plan.root
    steps = f", {_count(root)} steps" if plan.kind == "Workflow" else ""
    return f"{plan.kind} {plan.cwl_version}{steps}, {len(root.inputs)} inputs, {len(root.outputs)} outputs"


def _count(workflow: Workflow) -> int:
    return sum(_count(step.run) if isinstance(step.run, Workflow) else 1 for step in workflow.steps)
