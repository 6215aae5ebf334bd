"""`mlcraft impl`."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find, parts
from airflow_mlcraft.cli.printing import aside, can_ask, next_step, plain, print_json, say, status


def impl(  # noqa: PLR0917
    name: Name,
    part: Annotated[str, typer.Argument(help="retriever, processor or model.", metavar="PART", autocompletion=parts)],
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

    project = find(name, projects)
    path = implement.path_of(project, part)
    if dependencies:
        with status(f"Installing {', '.join(dependencies)} …", as_json) as doing:
            implement.add_dependencies(project, dependencies, doing)
    while True:
        if not no_edit:
            implement.edit(path)
        with status(f"Trying {path.name} …", as_json) as doing:
            tried = implement.attempt(project, part, doing)
        if not tried.fault:
            break
        aside().print(f"[red]✗[/] {plain(tried.fault)}", soft_wrap=True)
        if no_edit or not can_ask() or not _again(path.name):
            if as_json:
                print_json({"file": str(path), "ok": False, "fault": tried.fault})
            raise typer.Exit(1)
    if as_json:
        print_json({"file": str(path), "ok": True, "said": tried.said, "trusted": list(tried.trusted)})
        return
    if tried.said:
        say(f"[dim]{plain(tried.said[-1])}[/]")
    for line in tried.trusted:
        say(f"[yellow]![/] Trusted from now on, as your code makes it: {plain(line)}")
    say(f"[green]✓[/] {path.name} imports, has its function, and runs on a sample")
    next_step(f"mlcraft train {name}", "trains with it.")


def _again(name: str) -> bool:
    from rich.prompt import Confirm

    return Confirm.ask(f"Open {name} again?", default=True, console=aside())
