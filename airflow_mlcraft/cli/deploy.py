"""`mlcraft deploy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import aside, can_ask, next_step, plain, print_json, say, show, table
from airflow_mlcraft.cli.progress import watching
from airflow_mlcraft.errors import ProjectError

if TYPE_CHECKING:
    from airflow_mlcraft.project.deploy import Outcome


_COLOURS = {"create": "green", "change": "yellow", "keep": "dim", "delete": "red"}


def deploy(  # noqa: PLR0917
    name: Name,
    to: Annotated[
        str, typer.Option("--to", metavar="TARGET", help="aws (a service of ECS) or aws-lambda (a function).")
    ] = "aws",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="Delete what was deployed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --destroy: do not ask.")] = False,
    region: Annotated[str, typer.Option("--region", help="The AWS region; that of your AWS configuration else.")] = "",
    profile: Annotated[str, typer.Option("--profile", help="The profile of your AWS configuration.")] = "",
    base: Annotated[str, typer.Option("--base", metavar="IMAGE", help="As for `build`.")] = "",
    open_to_all: Annotated[bool, typer.Option("--open", help="Let everybody ask, without a key.")] = False,
    timeout: Annotated[int, typer.Option("--timeout", min=1, metavar="SECONDS", help="To wait for AWS.")] = 1200,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="All that Docker says.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Serve the champion from AWS; again, to bring a new champion there.

    What is there is asked of AWS, and only what differs is made or changed. A model that does not answer as it should
    is taken back. Credentials are those of your AWS tools, and never an argument.
    """
    from airflow_mlcraft.deploying.aws.retry import Patience
    from airflow_mlcraft.project import deploy as deploying

    project = find(name, projects)
    asked = deploying.Asked(to, region, profile, base, open_to_all, Patience(timeout))
    with watching(quiet=quiet or as_json, verbose=verbose) as watch:
        if destroy:
            made = deploying.plan_removal(project, asked)
        else:
            made = (deploying.plan if dry_run else deploying.deploy)(project, asked, watch)
    if destroy and not dry_run and made.changes:
        _ask(made, yes=yes)
        with watching(quiet=quiet or as_json) as watch:
            made = deploying.destroy(project, asked, watch)
    if as_json:
        print_json({**made.to_json(), "dry_run": dry_run})
        return
    if not made.changes:
        say(f"Nothing of {name} is in {_place(made)}.")
        return
    _show(made)
    if dry_run:
        say("[dim]This is what would be done; nothing was. Without --dry-run it is.[/]")
    elif destroy:
        say(f"[green]✓[/] {name} is gone from {_place(made)}")
    else:
        _tell(name, made)


def _show(made: Outcome) -> None:
    rows = table("", "what", "name", "why")
    for change in made.changes:
        colour = _COLOURS[change.action]
        rows.add_row(f"[{colour}]{change.action}[/]", change.kind, plain(change.name), plain(", ".join(change.why)))
    show(rows)


def _tell(name: str, made: Outcome) -> None:
    same = all(change.action == "keep" for change in made.changes)
    say(f"[green]✓[/] {name} {'is' if same else 'answers'} at [bold]{made.url}[/] [dim]({_place(made)})[/]")
    if same:
        say("[dim]Nothing had to be changed.[/]")
    if made.key:
        say(f"[dim]Requests need the key in the secret[/] {made.key}[dim], as X-API-Key:[/]")
        say(
            f"  aws secretsmanager get-secret-value --region {made.region} --secret-id {made.key} "
            "--query SecretString --output text"
        )
    elif made.target == "aws-lambda":
        say("[dim]Requests are signed by users of AWS who may lambda:InvokeFunctionUrl; --open lets everybody ask.[/]")
    next_step(
        f"mlcraft deploy {name} --to {made.target} --destroy", "deletes it all; it costs money as long as it runs."
    )


def _place(made: Outcome) -> str:
    return f"the AWS account {made.account}, {made.region}"


def _ask(made: Outcome, *, yes: bool) -> None:
    if yes:
        return
    command = f"mlcraft deploy {made.project} --to {made.target} --destroy --yes"
    if not can_ask():
        raise ProjectError(f"what was deployed of {made.project} is only deleted when you say so", command)
    from rich.prompt import Confirm

    for change in made.changes:
        aside().print(f"[red]delete[/] {change.kind} {plain(change.name)}")
    if not Confirm.ask(f"Delete all this from {_place(made)}?", console=aside()):
        say("Nothing was deleted.")
        raise typer.Exit(1)


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
