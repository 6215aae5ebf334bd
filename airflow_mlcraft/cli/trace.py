"""The verb `trace`: the origin of a model, its run, data and document, as a tree."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import console, escape, format_score, print_json
from airflow_mlcraft.project.project_paths import find_projects

if TYPE_CHECKING:
    from rich.tree import Tree

    from airflow_mlcraft.project.history import RunCode
    from airflow_mlcraft.tracking.trace import Step, Trace

_MAX_METRICS = 6


def trace(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A registered model: its name (the champion), name@alias, name/version or models:/…"
        ),
    ],
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show what a model comes from: its run, the steps before it, their data, the document and its commit.

    A model that has the name of a project is looked for where the project tracks its runs; any other where the
    Airflow of this machine does.
    """
    from airflow_mlcraft.project.embedded import tracking_settings
    from airflow_mlcraft.project.history import find_code

    project = find_projects(projects).find_of_model(model)
    with tracking_settings(project):
        from airflow_mlcraft.hooks.mlflow import open_tracked_store
        from airflow_mlcraft.tracking.trace import trace_model

        result = trace_model(open_tracked_store(), model)
    code = find_code(project, result.dag_run_id) if project else None
    if as_json:
        print_json(result.to_json() | ({"code": asdict(code)} if code else {}))
    else:
        tree = _build_tree(result)
        if code is not None:
            _add_code(tree, code)
        console().print(tree)


def _add_code(tree: Tree, code: RunCode) -> None:
    """Add the project's own code of the run, and its changes since, to the tree."""
    dirty_note = f" [yellow]on no branch: {escape(code.dirty)}[/]" if code.dirty else ""
    branch = tree.add(f"code in git commit [cyan]{code.commit}[/]{dirty_note}")
    for name in code.files:
        branch.add(escape(name))
    if code.changed_since:
        since = branch.add("[yellow]changed since[/]")
        for line in code.changed_since:
            since.add(escape(line))
    else:
        branch.add("[dim]not changed since[/]")


def _build_tree(trace: Trace) -> Tree:
    from rich.tree import Tree

    tree = Tree(f"[bold]{escape(trace.model)}[/] version {trace.version} [dim]{escape(trace.content)}[/]")
    run_branch = tree.add(f"made by [bold]{escape(trace.made_by.name)}[/] [dim]run {trace.made_by.run_id}[/]")
    _add_results(run_branch, trace.made_by)
    run = tree.add(f"in [bold]{escape(trace.dag_id)}[/] {escape(trace.dag_run_id)} [dim]run {trace.run_id}[/]")
    urls = list(dict.fromkeys(data.url for data in trace.data if data.url))
    for step in _order_steps(trace.steps):
        mark = "" if step.status == "FINISHED" else f" [red]{step.status.lower()}[/]"
        branch = run.add(f"{escape(step.name)}{mark} [dim]run {step.run_id}[/]")
        if step.reused_from:
            branch.add(f"[dim]reused from {escape(step.reused_from)}[/]")
        for data in step.data:
            location = f" in {data.url}{f' at {data.rev}' if data.rev else ''}" if len(urls) > 1 and data.url else ""
            branch.add(f"reads  {escape(data.name)} [cyan]{data.md5}[/][dim]{escape(location)}[/]")
        for port, files in step.outputs.items():
            for file in files:
                branch.add(f"makes  {escape(file.name or port)} [cyan]{file.md5}[/]")
    if len(urls) == 1:
        tree.add(f"data in {escape(urls[0])}")
    origin = tree.add(f"from [bold]{escape(trace.document or '?')}[/]")
    for name, value in (
        ("document", trace.document_hash),
        ("plan", trace.plan),
        ("git commit", trace.git_commit),
    ):
        if value:
            origin.add(f"{name} [cyan]{value}[/]")
    return tree


def _order_steps(steps: tuple[Step, ...]) -> list[Step]:
    """Sort steps by task, and the items of a scatter by number."""
    tasks = list(dict.fromkeys(step.task_id for step in steps))
    return sorted(steps, key=lambda step: (tasks.index(step.task_id), step.map_index))


def _add_results(branch: Tree, step: Step) -> None:
    shown = [name for name in step.metrics if name.startswith("cv_") and not name.endswith("_std")]
    for name in (shown or sorted(step.metrics))[:_MAX_METRICS]:
        branch.add(f"{escape(name)} {format_score(step.metrics[name])}")
