"""The verbs `build` and `deploy`: images with the champion, and its deployment to AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find_project
from airflow_mlcraft.cli.printing import (
    can_ask,
    error_console,
    escape,
    new_table,
    print_json,
    print_lines,
    print_next_step,
    print_table,
)
from airflow_mlcraft.cli.progress import deployment_progress
from airflow_mlcraft.errors import ProjectError

if TYPE_CHECKING:
    from airflow_mlcraft.project.deploy import DeployResult


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
    from airflow_mlcraft.deploying.aws.retry import Retry
    from airflow_mlcraft.project import deploy as deploying

    project = find_project(name, projects)
    request = deploying.DeployRequest(to, region, profile, base, open_to_all, Retry(timeout))
    with deployment_progress(quiet=quiet or as_json, verbose=verbose) as progress:
        if destroy:
            result = deploying.plan_removal(project, request)
        else:
            result = (deploying.plan if dry_run else deploying.deploy)(project, request, progress)
    if destroy and not dry_run and result.changes:
        _confirm_removal(result, yes=yes)
        with deployment_progress(quiet=quiet or as_json) as progress:
            result = deploying.destroy(project, request, progress)
    if as_json:
        print_json({**result.to_json(), "dry_run": dry_run})
        return
    if not result.changes:
        print_lines(f"Nothing of {name} is in {_format_account(result)}.")
        return
    _print_changes(result)
    if dry_run:
        print_lines("[dim]This is what would be done; nothing was. Without --dry-run it is.[/]")
    elif destroy:
        print_lines(f"[green]✓[/] {name} is gone from {_format_account(result)}")
    else:
        _print_result(name, result)


def _print_changes(result: DeployResult) -> None:
    rows = new_table("", "what", "name", "why")
    for change in result.changes:
        colour = _COLOURS[change.action]
        rows.add_row(f"[{colour}]{change.action}[/]", change.kind, escape(change.name), escape(", ".join(change.why)))
    print_table(rows)


def _print_result(name: str, result: DeployResult) -> None:
    same = all(change.action == "keep" for change in result.changes)
    print_lines(
        f"[green]✓[/] {name} {'is' if same else 'answers'} at [bold]{result.url}[/] [dim]({_format_account(result)})[/]"
    )
    if same:
        print_lines("[dim]Nothing had to be changed.[/]")
    if result.key:
        print_lines(f"[dim]Requests need the key in the secret[/] {result.key}[dim], as X-API-Key:[/]")
        print_lines(
            f"  aws secretsmanager get-secret-value --region {result.region} --secret-id {result.key} "
            "--query SecretString --output text"
        )
    elif result.target == "aws-lambda":
        print_lines(
            "[dim]Requests are signed by users of AWS who may lambda:InvokeFunctionUrl; --open lets everybody ask.[/]"
        )
    print_next_step(
        f"mlcraft deploy {name} --to {result.target} --destroy", "deletes it all; it costs money as long as it runs."
    )


def _format_account(result: DeployResult) -> str:
    return f"the AWS account {result.account}, {result.region}"


def _confirm_removal(result: DeployResult, *, yes: bool) -> None:
    if yes:
        return
    command = f"mlcraft deploy {result.project} --to {result.target} --destroy --yes"
    if not can_ask():
        raise ProjectError(f"what was deployed of {result.project} is only deleted when you say so", command)
    from rich.prompt import Confirm

    for change in result.changes:
        error_console().print(f"[red]delete[/] {change.kind} {escape(change.name)}")
    if not Confirm.ask(f"Delete all this from {_format_account(result)}?", console=error_console()):
        print_lines("Nothing was deleted.")
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
    from airflow_mlcraft.project.build import build_image

    project = find_project(name, projects)
    with deployment_progress(quiet=quiet or as_json, verbose=verbose) as progress:
        built = build_image(
            project, base=base, tags=tag or (), push=push, run=run, host=host, port=port, progress=progress
        )
    if as_json:
        print_json(built.to_json())
        return
    image = built.image
    print_lines(
        f"[green]✓[/] [bold]{escape(image.tags[0])}[/] "
        f"[dim]({image.size / _MEGABYTE:.0f} MB on {escape(image.base)})[/]"
    )
    for other in image.tags[1:]:
        print_lines(f"  [dim]also[/] {escape(other)}")
    for pushed, digest in built.pushed.items():
        print_lines(f"[green]✓[/] pushed {escape(pushed)} [dim]{digest}[/]")
    if built.url:
        print_lines(f"[green]✓[/] the container [bold]{built.container}[/] answers at [bold]{built.url}[/]")
        print_next_step(f"docker rm --force {built.container}", "ends it; `docker logs` has what it says.")
    else:
        print_next_step(f"mlcraft build {name} --run", "starts it here;")
        print_next_step(f"mlcraft deploy {name} --to aws --dry-run", "says what it would take to serve it from AWS.")
