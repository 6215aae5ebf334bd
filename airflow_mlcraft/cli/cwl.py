"""The verbs `cwl`: validate, show, run, import and composer-form, for CWL documents.

The verbs come first, in the order of the help; helpers that draw and print follow.
"""

from __future__ import annotations

import json
import os
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from airflow_mlcraft.errors import MlcraftError

app = typer.Typer(help="Check, draw, run and import CWL documents.", no_args_is_help=True)

Document = Annotated[str, typer.Argument(help="A CWL document; #id picks one process of several.")]
EnableDev = Annotated[
    bool,
    typer.Option("--enable-dev", help="Also CWL v1.3.0-dev1, a version in development, which has loops."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class UseOfContainers(str, Enum):
    """Whether tools that name a container run in one."""

    auto = "auto"
    always = "always"
    never = "never"


class Fuse(str, Enum):
    """Which workflows and scatters run in one task."""

    off = "off"
    hinted = "hinted"
    all = "all"


FuseOption = Annotated[
    Fuse | None,
    typer.Option(
        "--fuse",
        metavar="off|hinted|all",
        help="Which run in one task: none, those with the hint mlcraft:Fuse, or all that can.",
    ),
]


class Drawing(str, Enum):
    """How a document is drawn."""

    text = "text"
    mermaid = "mermaid"
    svg = "svg"


@app.command()
def validate(
    documents: Annotated[list[str], typer.Argument(help="CWL documents, or folders of them.")],
    enable_dev: EnableDev = False,
    as_json: AsJson = False,
) -> None:
    """Say whether documents can be used, and if not, where and why. Exit code 1 when one cannot."""
    from airflow_mlcraft.cwl.check import check_documents

    found = list(check_documents(documents, allow_development=enable_dev))
    if as_json:
        _print_json([{"document": checked.document, "error": checked.error_as_json()} for checked in found])
    else:
        for checked in found:
            typer.echo(
                f"{checked.document}: {checked.summary}" if checked.error is None else f"{checked.error}",
                err=checked.error is not None,
            )
    if any(checked.error for checked in found):
        raise typer.Exit(1)


@app.command()
def show(  # noqa: PLR0917
    document: Document,
    form: Annotated[Drawing, typer.Option("--format", "-f", help="What to draw it as.")] = Drawing.text,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; .svg or .mmd sets the format.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=1, help="How many levels of sub-workflows to open; as many as can be read when left out."),
    ] = None,
    fuse: FuseOption = None,
    enable_dev: EnableDev = False,
    as_json: AsJson = False,
) -> None:
    """Draw a workflow: in the terminal, as SVG or as Mermaid. With --json, print its plan."""
    from airflow_mlcraft.cwl.check import get_cached_plan
    from airflow_mlcraft.cwl.drawing.graph import count_levels, count_steps, find_readable_depth, fold_workflows

    plan = get_cached_plan(document, _plan_folder(), fuse=(fuse or Fuse.hinted).value, allow_development=enable_dev)
    if as_json:
        _print_json(plan.to_json())
        return
    levels, shown = count_levels(plan.root), depth or find_readable_depth(plan)
    text = _draw(fold_workflows(plan, shown), _choose_drawing(form, out))
    if depth is None and shown < levels:
        typer.echo(
            f"drew {shown} of {levels} levels of workflows, because all {count_steps(plan.root, levels)} steps are too "
            f"many to be read; --depth {levels} draws them",
            err=True,
        )
    if out is None:
        typer.echo(text)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise MlcraftError(f"{out} cannot be written: {error.strerror or error}") from error
        typer.echo(f"drew {plan.document} to {out}", err=True)


@app.command()
def run(  # noqa: PLR0917
    document: Document,
    job: Annotated[str | None, typer.Argument(help="A job file in YAML or JSON; - for standard input.")] = None,
    outdir: Annotated[Path, typer.Option("--outdir", help="Where output files go.")] = Path(),
    containers: Annotated[
        UseOfContainers, typer.Option(help="Whether tools that name a container run in one.")
    ] = UseOfContainers.auto,
    parallel: Annotated[int, typer.Option(help="Tasks at once; 0 for two more than there are cores.")] = 0,
    provenance: Annotated[
        Path | None, typer.Option(help="A new folder for a Workflow Run RO-Crate: all that the run read, did and made.")
    ] = None,
    fuse: FuseOption = None,
    enable_dev: EnableDev = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="The tasks' whole logs.")] = False,
) -> None:
    """Run a document here, as a DAG run of an embedded Airflow, and print its output object."""
    from airflow_mlcraft.cli.progress import RunProgress
    from airflow_mlcraft.cwl.job_file import read_job
    from airflow_mlcraft.runner.run_document import RunOptions, load_plan, run_plan

    # A crate describes the run of each tool, which tasks of their own keep.
    chosen = Fuse.off if provenance else fuse
    plan = load_plan(document, fuse=chosen.value if chosen else "", allow_development=enable_dev)
    recorder = None
    if provenance:
        from airflow_mlcraft.provenance.crate import Recorder

        recorder = Recorder(plan, document, provenance)
    options = RunOptions(outdir=outdir, containers=containers.value, parallel=parallel)
    with RunProgress(plan, quiet=quiet, verbose=verbose) as progress:
        outputs = run_plan(
            plan,
            read_job(job) if job else {},
            options,
            on_dag=progress.on_dag,
            on_event=recorder.wrap_callback(progress.on_event) if recorder else progress.on_event,
            log=progress.log,
            on_result=recorder.write if recorder else None,
        )
    _print_json(outputs)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="A folder of CWL documents.", exists=True, file_okay=False)],
    into: Annotated[Path | None, typer.Option("--into", help="The DAG file to write; without it, only look.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compile a folder's documents ahead of Airflow, list the DAGs that they make, and write the DAG file for them."""
    from airflow_mlcraft.dag.import_folder import import_folder, write_dag_files

    imported = list(import_folder(folder))
    if as_json:
        _print_json([entry.to_json() for entry in imported])
    else:
        for entry in imported:
            typer.echo(
                f"{entry.dag_id}  {entry.document}" if entry.error is None else str(entry.error),
                err=entry.error is not None,
            )
    if into is not None:
        for path in write_dag_files(folder, into, len(imported)):
            typer.echo(f"wrote {path}", err=True)
    if any(entry.error for entry in imported):
        raise typer.Exit(1)


@app.command("composer-form")
def composer_form_(
    document: Document,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write the form into; without it, the document goes to the screen."),
    ] = None,
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Write it also where something is lost that no result depends on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a document in the form that Rabix Composer opens and keeps, or say why it has none.

    The form is CWL v1.0, with a file for each tool and a place for each node. Where something would be
    lost, nothing is written, and the exit code is 1. With --allow-loss, what is lost is listed.
    """
    from airflow_mlcraft.common.files import write_text_atomically
    from airflow_mlcraft.cwl.composer.form import composer_form, form_to_json

    path, _, fragment = document.partition("#")
    if not Path(path).is_file():
        raise MlcraftError(f"there is no document {path}")
    form = composer_form(Path(path), fragment=fragment, into=out, allow_loss=allow_loss)
    if as_json:
        _print_json(form_to_json(form))
    else:
        _print_losses(form, allow_loss)
    if form.problems:
        raise typer.Exit(1)
    if out is not None:
        if any((out / name).absolute() == Path(path).absolute() for name in form.files):
            raise MlcraftError(f"{path} itself would be replaced; name another folder with --out")
        for name, text in form.files.items():
            write_text_atomically(out / name, text)
            typer.echo(f"wrote {out / name}", err=True)
    elif not as_json:
        first, *others = form.files.items()
        typer.echo(first[1], nl=False)
        if others:
            typer.echo(f"and {len(others)} files of tools; --out FOLDER writes all", err=True)


def _print_losses(form: Any, allow_loss: bool) -> None:
    for problem in form.problems:
        typer.echo(str(problem), err=True)
    for loss in form.losses:
        typer.echo(f"lost: {loss}", err=True)
    if form.problems and not allow_loss and all(problem.harmless for problem in form.problems):
        typer.echo("no result depends on any of it; --allow-loss writes the form all the same", err=True)


def _plan_folder() -> Path:
    """The folder of compiled documents: Airflow's setting, or the user's cache."""
    folder = os.environ.get("AIRFLOW__MLCRAFT__CACHE")
    return Path(folder) if folder else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlcraft"


def _choose_drawing(form: Drawing, out: Path | None) -> Drawing:
    by_suffix = {".svg": Drawing.svg, ".mmd": Drawing.mermaid, ".mermaid": Drawing.mermaid}
    return by_suffix.get(out.suffix, form) if out is not None else form


def _draw(plan: Any, form: Drawing) -> str:
    if form is Drawing.svg:
        from airflow_mlcraft.cwl.drawing.svg import to_svg

        return to_svg(plan)
    if form is Drawing.mermaid:
        from airflow_mlcraft.cwl.drawing.mermaid import describe_exceeded_limit, to_mermaid

        text = to_mermaid(plan)
        if limit_message := describe_exceeded_limit(text):
            typer.echo(f"{limit_message}; give a smaller --depth, or draw it as SVG", err=True)
        return text
    import shutil

    from airflow_mlcraft.cwl.drawing.terminal import to_text

    return to_text(plan, shutil.get_terminal_size((100, 24)).columns)


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
