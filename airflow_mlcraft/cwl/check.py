"""Checks of documents for the command line: a summary of each, or its error. Imports no Airflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.discover import find_documents
from airflow_mlcraft.cwl.fuse import FuseMode, fuse_plan
from airflow_mlcraft.cwl.plan import Json, Plan, Workflow
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError


@dataclass(frozen=True)
class CheckResult:
    """The result of checking a document: a summary in one line, or its error."""

    document: str
    summary: str = ""
    error: DocumentError | None = None

    def error_as_json(self) -> Json:
        """The error's fields, or null."""
        if self.error is None:
            return None
        return {
            "path": self.error.path,
            "line": self.error.line,
            "column": self.error.column,
            "message": self.error.message,
        }


def compile_plan(document: str, *, fuse: FuseMode = "hinted", allow_development: bool = False) -> Plan:
    """Compile the document `path` or `path#id` without a cache."""
    from airflow_mlcraft.cwl.compile import compile_document
    from airflow_mlcraft.cwl.load import load

    path, _, fragment = document.partition("#")
    if not Path(path).is_file():
        raise DocumentError(f"there is no document {path}")
    plan, _ = compile_document(load(Path(path), fragment, allow_development=allow_development))
    return fuse_plan(plan, fuse)


def get_cached_plan(document: str, cache: Path, *, fuse: FuseMode = "hinted", allow_development: bool = False) -> Plan:
    """The plan of `path` or `path#id`, compiled only if the cache has no plan of the current document."""
    path, _, fragment = document.partition("#")
    if not Path(path).is_file():
        raise DocumentError(f"there is no document {path}")
    plan_cache = PlanCache(cache, fuse=fuse, allow_development=allow_development)
    try:
        return plan_cache.get_plan(Path(path), fragment)
    except OSError:
        # The plan is returned even if the cache cannot be written.
        return compile_plan(document, fuse=fuse, allow_development=allow_development)


def check_documents(names: Iterable[str], *, allow_development: bool = False) -> Iterator[CheckResult]:
    """Check documents, and all documents of folders."""
    for name in names:
        for document in map(str, find_documents(Path(name))) if Path(name).is_dir() else [name]:
            try:
                yield CheckResult(document, _check_document(document, allow_development))
            except DocumentError as error:
                yield CheckResult(document, error=error)


def _check_document(document: str, allow_development: bool) -> str:
    compile_one = partial(compile_plan, allow_development=allow_development)
    try:
        return _summary(compile_one(document))
    except SeveralProcessesError as several:
        summaries = [f"#{name}: {_summary(compile_one(f'{document}#{name}'))}" for name in several.names]
        return f"{len(several.names)} processes; " + "; ".join(summaries)


def _summary(plan: Plan) -> str:
    root = plan.root
    steps = f", {_count_steps(root)} steps" if plan.kind == "Workflow" else ""
    return f"{plan.kind} {plan.cwl_version}{steps}, {len(root.inputs)} inputs, {len(root.outputs)} outputs"


def _count_steps(workflow: Workflow) -> int:
    return sum(_count_steps(step.run) if isinstance(step.run, Workflow) else 1 for step in workflow.steps)
