"""`mlcraft build`."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.making import watching
from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import next_step, plain, print_json, say

_MEGABYTE = 1_000_000


def build(  # noqa: PLR0917
    name: Name,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", "-t", metavar="IMAGE…", help="What to call it: [REGISTRY/]NAME[:TAG].", show_default=False
        ),
    ] = None,
    base: Annotated[
        str, typer.Option("--base", metavar="IMAGE", help="The image with Python to build on; python:X.Y-slim else.")
    ] = "",
    push: Annotated[bool, typer.Option("--push", help="Push it to the registry in its name.")] = False,
    run: Annotated[bool, typer.Option("--run", help="Start it, and wait until it is healthy.")] = False,
    host: Annotated[str, typer.Option("--host", help="With --run: the address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="With --run: a free one else.", show_default=False)
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="All that Docker says.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Make a Docker image of the champion and its server.

    It has the very packages that the model was made with, and nothing of the project but the model. It runs without
    root, read-only, and says whether it is healthy. It is tried before it gets its name.
    """
    from airflow_mlcraft.project.build import build as make

    project = find(name, projects)
    with watching(quiet=quiet or as_json, verbose=verbose) as watch:
        made = make(project, base=base, tags=tag or (), push=push, run=run, host=host, port=port, watch=watch)
    if as_json:
        print_json(made.to_json())
        return
    image = made.image
    say(f"[green]✓[/] [bold]{plain(image.tags[0])}[/] [dim]({image.size / _MEGABYTE:.0f} MB on {plain(image.base)})[/]")
    for other in image.tags[1:]:
        say(f"  [dim]also[/] {plain(other)}")
    for pushed, digest in made.pushed.items():
        say(f"[green]✓[/] pushed {plain(pushed)} [dim]{digest}[/]")
    if made.url:
        say(f"[green]✓[/] the container [bold]{made.container}[/] answers at [bold]{made.url}[/]")
        next_step(f"docker rm --force {made.container}", "ends it; `docker logs` has what it says.")
    else:
        next_step(f"mlcraft build {name} --run", "starts it here;")
        next_step(f"mlcraft deploy {name} --to aws --dry-run", "says what it would take to serve it from AWS.")
