"""The command `mlcraft-cwl-runner`, with the command line of CWL runners; stdout has the output object alone."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from airflow_mlcraft import __version__
from airflow_mlcraft.common.extras import find_missing_extra
from airflow_mlcraft.cwl.fuse import FUSE_MODES
from airflow_mlcraft.errors import MlcraftError, UnsupportedError
from airflow_mlcraft.runner.events import COMPLETED, FAILED, STARTED

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.runner.events import OnEvent, TaskEvent

UNSUPPORTED = 33
COMPOSER_OPTION = "--enable-composer-logs"
_COMPOSER_STATES = {STARTED: "READY", COMPLETED: "COMPLETED", FAILED: "FAILED"}
_OUTDIR_OPTION = "--outdir"


def build_parser() -> argparse.ArgumentParser:
    """The parser of options, which have the names of cwltool's."""
    parser = argparse.ArgumentParser(
        prog="mlcraft-cwl-runner",
        description="Run a CWL document as a DAG run of an embedded Airflow.",
        epilog="After the document: a job file (YAML or JSON, - for standard input), or the inputs as options: "
        "mlcraft-cwl-runner count.cwl --text book.txt. With --help after the document, its inputs are listed.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mlcraft-cwl-runner {__version__}")
    parser.add_argument("--outdir", type=Path, default=Path(), help="where output files go (here)")
    parser.add_argument("--quiet", action="store_true", help="no progress and no warnings")
    parser.add_argument("--verbose", "--debug", action="store_true", help="the tasks' whole logs on stderr")
    parser.add_argument("--no-container", action="store_true", help="run tools that only hint at a container without")
    parser.add_argument("--podman", action="store_true", help="podman instead of docker")
    parser.add_argument("--disable-pull", action="store_true", help="only use images that are here")
    parser.add_argument("--custom-net", metavar="NAME", default="", help="network that containers join")
    parser.add_argument("--parallel", type=int, default=0, metavar="N", help="tasks at once (cores and two more)")
    parser.add_argument("--tmpdir-prefix", type=Path, default=None, metavar="DIR", help="where the run keeps its files")
    parser.add_argument(
        "--provenance", type=Path, default=None, metavar="DIR", help="new folder for a Workflow Run RO-Crate of the run"
    )
    parser.add_argument(
        COMPOSER_OPTION, action="store_true", help="tell Rabix Composer on stderr of each step that starts or ends"
    )
    parser.add_argument(
        "--server", metavar="URL", default="", help="run it on this Airflow, which has MLcraft's plugin"
    )
    parser.add_argument(
        "--login", type=Path, metavar="FILE", help="env file with MLCRAFT_SERVER_USER and _PASSWORD for it"
    )
    parser.add_argument(
        "--fuse", choices=FUSE_MODES, default="", help="which workflows and scatters run in one task (hinted)"
    )
    parser.add_argument("--enable-dev", action="store_true", help="documents of CWL v1.3.0-dev1 too, which has loops")
    parser.add_argument("document", help="a CWL document, with #id to pick one process of several")
    parser.add_argument("job", nargs=argparse.REMAINDER, help="a job file, or the inputs as options")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit code."""
    options = build_parser().parse_args(reorder_outdir(sys.argv[1:] if arguments is None else arguments))
    try:
        outputs = _run(options)
    except UnsupportedError as error:
        return _print_error(error, UNSUPPORTED)
    except MlcraftError as error:
        return _print_error(error, UNSUPPORTED if getattr(error, "unsupported", False) else 1)
    except ModuleNotFoundError as error:
        if missing := find_missing_extra(error):
            return _print_error(missing, 1)
        raise
    except KeyboardInterrupt:
        return _print_error("interrupted", 130)
    json.dump(outputs, sys.stdout, indent=4, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


def _run(options: argparse.Namespace) -> object:
    from airflow_mlcraft.cli.progress import RunProgress
    from airflow_mlcraft.runner.run_document import RunOptions, load_plan, run_plan

    # A crate describes the run of each tool, which tasks of their own keep.
    fuse = "off" if options.provenance else options.fuse
    plan = load_plan(options.document, fuse=fuse, allow_development=options.enable_dev)
    job = _read_job(options, plan)
    if options.server:
        return _run_on_server(options, plan, job)
    run_options = RunOptions(
        outdir=options.outdir,
        containers="never" if options.no_container else "auto",
        engine="podman" if options.podman else "docker",
        pull=not options.disable_pull,
        network=options.custom_net,
        parallel=options.parallel,
        scratch=options.tmpdir_prefix,
    )
    recorder = None
    if options.provenance:
        from airflow_mlcraft.provenance.crate import Recorder

        recorder = Recorder(plan, options.document, options.provenance)
    with RunProgress(plan, quiet=options.quiet, verbose=options.verbose) as progress:
        on_event = recorder.wrap_callback(progress.on_event) if recorder else progress.on_event
        return run_plan(
            plan,
            job,
            run_options,
            on_dag=progress.on_dag,
            on_event=_also_report_to_composer(plan, on_event) if options.enable_composer_logs else on_event,
            log=progress.log,
            on_result=recorder.write if recorder else None,
        )


def _also_report_to_composer(plan: Plan, on_event: OnEvent) -> OnEvent:
    from airflow_mlcraft.runner.events import StepProgress

    steps = StepProgress(plan, write_composer_line)

    def on_both(event: TaskEvent) -> None:
        on_event(event)
        steps.on_event(event)

    return on_both


def write_composer_line(step: str, state: str, message: str, out: TextIO | None = None) -> None:
    """Write the state of a step to stderr, in the format that Composer reads."""
    report = {"status": _COMPOSER_STATES[state], "stepId": f"root.{step}", "message": message}
    stream = out or sys.stderr
    # Composer parses each chunk as it arrives: a single write keeps the line complete.
    stream.write(f"Composer: {json.dumps(report)}\n")
    stream.flush()


def reorder_outdir(arguments: Sequence[str]) -> list[str]:
    """Move --outdir, which Composer passes last, before the document; later options are inputs of the document."""
    words = list(arguments)
    if COMPOSER_OPTION not in words or _OUTDIR_OPTION not in words:
        return words
    index = words.index(_OUTDIR_OPTION)
    return [*words[index : index + 2], *words[:index], *words[index + 2 :]]


def _run_on_server(options: argparse.Namespace, plan: Plan, job: dict[str, Any]) -> object:
    from airflow_mlcraft.project.server.document_run import run_on_server

    if options.provenance:
        raise MlcraftError("--provenance writes down a run here; leave it or --server out")
    return run_on_server(
        Path(options.document),
        plan,
        job,
        url=options.server,
        login=options.login,
        outdir=options.outdir,
        on_step=write_composer_line if options.enable_composer_logs else None,
    )


def _read_job(options: argparse.Namespace, plan: Plan) -> dict[str, object]:
    from airflow_mlcraft.cwl.inputs import job_from_options
    from airflow_mlcraft.cwl.job_file import read_job

    words: list[str] = options.job
    if len(words) == 1 and (words[0] == "-" or not words[0].startswith("-")):
        return read_job(words[0])
    return job_from_options(plan.root, words, prog=f"mlcraft-cwl-runner {options.document}")


def _print_error(what: object, code: int) -> int:
    sys.stderr.write(f"mlcraft-cwl-runner: {what}\n")
    return code


def command() -> None:
    """Run the command and exit."""
    exit_at_once(main())


def exit_at_once(code: int) -> None:
    """Exit without cleanup: tearing down Airflow's modules would take another second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    command()
