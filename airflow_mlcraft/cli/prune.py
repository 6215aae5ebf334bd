"""The verb `prune`: removal of files of runs that are no longer needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import escape, new_table, print_json, print_lines, print_table, spinner
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import find_projects

if TYPE_CHECKING:
    from airflow_mlcraft.project.project_paths import Projects
    from airflow_mlcraft.pruning.locations import Locations
    from airflow_mlcraft.pruning.prune import Pruning


def prune(
    *,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="What was not used for so long goes: 12h, 30d, 8w. 30d without --keep.")
    ] = "",
    keep: Annotated[
        str, typer.Option(metavar="SIZE", help="What was used longest ago goes until so much is left: 500MB, 20GB.")
    ] = "",
    airflow: Annotated[
        bool, typer.Option("--airflow", help="The folders of this Airflow's [mlcraft] settings, not the projects'.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete it. Without this, it is only shown.")] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show, and with --yes delete, what runs have left behind and nothing needs any more.

    What a `.dvc` file, a registered model, a deployment or a recent run names stays, and so does all that was used
    within a day.
    """
    from airflow_mlcraft.pruning.items import parse_limits
    from airflow_mlcraft.pruning.prune import delete_items, plan_pruning

    age, size = parse_limits(older_than, keep)
    prunings: list[Pruning] = []
    for locations in _iterate_airflow_locations() if airflow else _iterate_project_locations(find_projects(projects)):
        with spinner(f"Looking through {locations.name} …", as_json):
            pruning = plan_pruning(locations, older_than=age, keep=size)
            prunings.append(delete_items(pruning) if yes else pruning)
    if as_json:
        print_json([pruning.to_json(yes) for pruning in prunings])
    else:
        _print_pruning(prunings, yes)
    if any(pruning.failures for pruning in prunings):
        raise typer.Exit(1)


def _iterate_airflow_locations() -> Iterator[Locations]:
    from airflow_mlcraft.pruning.locations import get_airflow_locations

    yield get_airflow_locations()


def _iterate_project_locations(projects: Projects) -> Iterator[Locations]:
    """Yield the locations of each project, while its settings are set, and then the shared ones."""
    from airflow_mlcraft.project import manifest
    from airflow_mlcraft.project.embedded import project_environment
    from airflow_mlcraft.project.user_dirs import environments_folder
    from airflow_mlcraft.pruning.locations import get_project_locations, get_shared_locations
    from airflow_mlcraft.runner.home import prepare_embedded_airflow

    all_projects = projects.all()
    if not all_projects:
        raise ProjectError(
            f"there is no project in {projects.root}", "name their folder with --projects, or give --airflow"
        )
    # The embedded Airflow is used, not the user's.
    prepare_embedded_airflow()
    for project in all_projects:
        with ExitStack() as stack:
            stack.enter_context(project_environment(project, manifest.read_manifest(project)))
            yield get_project_locations(project)
    yield get_shared_locations(projects.tracking_folder, environments_folder())


def _print_pruning(prunings: list[Pruning], deleted: bool) -> None:
    from airflow_mlcraft.pruning.items import KINDS, format_bytes

    rows = new_table("where", "what", "all", "deleted" if deleted else "would go", "size", numbers=("all", "size"))
    for pruning in prunings:
        for kind in KINDS:
            items = [item for item in pruning.items if item.kind == kind]
            total = sum(item.kind == kind for item in pruning.all_items)
            if total:
                rows.add_row(
                    pruning.location, kind, str(total), str(len(items)), format_bytes(sum(one.size for one in items))
                )
    print_table(rows)
    for pruning in prunings:
        for reference, count in sorted(pruning.kept.items()):
            print_lines(
                f"[dim]Stays although it is old in {escape(pruning.location)}:[/] {count}, named by {escape(reference)}"
            )
        for note in pruning.notes:
            print_lines(f"[yellow]![/] {escape(note)}")
        for failure in pruning.failures:
            print_lines(f"[red]✗[/] {escape(failure)}")
    deletable = format_bytes(sum(one.size for one in prunings))
    all_bytes = format_bytes(sum(one.size_before for one in prunings))
    if deleted:
        print_lines(f"[green]✓[/] {deletable} of {all_bytes} deleted")
    else:
        print_lines(f"{deletable} of {all_bytes} would go. Nothing was deleted: [bold]--yes[/] does it.")
