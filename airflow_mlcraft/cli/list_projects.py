"""`mlcraft list`."""

from __future__ import annotations

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import next_step, number, plain, print_json, say, show, table, when
from airflow_mlcraft.project.places import projects_at


def list_projects(projects: Folder = None, as_json: AsJson = False) -> None:
    """List the projects: type, last run, champion and its score, and where the server answers."""
    from airflow_mlcraft.project.overview import overviews

    place = projects_at(projects)
    found = overviews(place)
    if as_json:
        print_json([one.to_json() for one in found])
        return
    if not found:
        say(f"There is no project in {plain(place.root)}.")
        next_step("mlcraft init NAME -p classification", "makes one.")
        return
    rows = table("project", "type", "last run", "champion", "score", "server", numbers=["score"])
    for one in found:
        best = one.champion
        ended = f"{when(one.last_run)} {one.last_state}" if one.last_run else "[dim]never[/]"
        rows.add_row(
            f"[bold]{one.name}[/]",
            one.prediction or f"[red]{plain(one.fault)}[/]",
            ended,
            plain(best.model) if best else "[dim]none[/]",
            f"{best.metric} {number(best.score)}" if best else "",
            one.server or "[dim]stopped[/]",
        )
    show(rows)
