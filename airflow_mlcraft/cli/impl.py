"""The verb `impl`: the user's code in an editor, and a trial of it."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, complete_parts, find_project
from airflow_mlcraft.cli.printing import (
    can_ask,
    error_console,
    escape,
    print_json,
    print_lines,
    print_next_step,
    spinner,
)


def impl(  # noqa: PLR0917
    name: Name,
    part: Annotated[
        str, typer.Argument(help="retriever, processor or model.", metavar="PART", autocompletion=complete_parts)
    ],
    dependencies: Annotated[
        list[str] | None,
        typer.Option("-d", "--dependency", metavar="DEP…", help="A Python package the code needs; installs it first."),
    ] = None,
    no_edit: Annotated[bool, typer.Option("--no-edit", help="Open no editor; only try the code.")] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Write the project's own code: opens retriever.py, processor.py or model.py, and then tries it.

    The editor is $VISUAL, $EDITOR or vim. Afterwards the file is imported, its function is looked for, and it runs on
    a sample of the project's data; what is wrong is told with its line.
    """
    from airflow_mlcraft.project import implement

    project = find_project(name, projects)
    path = implement.part_path(project, part)
    if dependencies:
        with spinner(f"Installing {', '.join(dependencies)} …", as_json) as report:
            implement.install_dependencies(project, dependencies, report)
    while True:
        if not no_edit:
            implement.open_editor(path)
        with spinner(f"Trying {path.name} …", as_json) as report:
            trial = implement.try_part(project, part, report)
        if not trial.fault:
            break
        error_console().print(f"[red]✗[/] {escape(trial.fault)}", soft_wrap=True)
        if no_edit or not can_ask() or not _ask_again(path.name):
            if as_json:
                print_json({"file": str(path), "ok": False, "fault": trial.fault})
            raise typer.Exit(1)
    if as_json:
        print_json({"file": str(path), "ok": True, "said": trial.lines, "trusted": list(trial.trusted)})
        return
    if trial.lines:
        print_lines(f"[dim]{escape(trial.lines[-1])}[/]")
    for line in trial.trusted:
        print_lines(f"[yellow]![/] Trusted from now on, as your code makes it: {escape(line)}")
    print_lines(f"[green]✓[/] {path.name} imports, has its function, and runs on a sample")
    print_next_step(f"mlcraft train {name}", "trains with it.")


def _ask_again(name: str) -> bool:
    from rich.prompt import Confirm

    return Confirm.ask(f"Open {name} again?", default=True, console=error_console())
