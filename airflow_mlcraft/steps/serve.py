"""`serve`: rolls a model out to a server."""

from __future__ import annotations

import argparse
import os
import pwd
from dataclasses import asdict
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError, StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services

FILE = "deployment.json"
STATE_VARIABLE = "MLCRAFT_SERVING_STATE"
_TARGETS = ("local",)
_MAX_SAMPLE_ROWS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    parser.add_argument("--model", required=True, metavar="FOLDER", help="the model, as `train` or `evaluate` makes it")
    parser.add_argument("--name", required=True, help="what the deployment is called")
    parser.add_argument("--target", default="local", help="where the server runs: local, a process on this machine")
    parser.add_argument("--port", type=int, help="its port; a free one by default")
    parser.add_argument("--host", default="127.0.0.1", help="the address that it listens on (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that answer (%(default)s)")
    parser.add_argument("--log-predictions", metavar="FOLDER", help="where it keeps questions and answers")
    parser.add_argument("--sample", metavar="FILE", help="rows to try it with; the model's input example by default")
    parser.add_argument("--state-folder", metavar="FOLDER", help="the folder that remembers what is deployed")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Roll the model out, and write deployment.json. On failure, the previous model stays in service."""
    from airflow_mlcraft.serving.process.rollout import roll_out

    if options.target not in _TARGETS:
        raise StepError(f"--target {options.target!r} is unknown; expected {' or '.join(_TARGETS)}")
    model = inputs.model_folder(folder, options.model, "model")
    rows = _sample_rows(folder, options.sample) if options.sample else None
    try:
        deployment = roll_out(
            model,
            options.name,
            _state_folder(folder, options, services),
            rows=rows,
            host=options.host,
            port=options.port,
            options=_server_options(folder, options, services),
            report=services.log,
        )
    except StepError:
        raise
    except MlcraftError as error:
        raise StepError(str(error), temporary=bool(getattr(error, "temporary", False))) from error
    write_json(folder / FILE, asdict(deployment))
    record = Record()
    record.add_params(name=deployment.name, target=options.target, content=deployment.content)
    record.add_metrics({"smoke_predictions": len(deployment.smoke)})
    record.tags["url"] = deployment.url
    record.add_artifact("deployment")
    record.write(folder)


def _server_options(folder: Path, options: argparse.Namespace, services: Services) -> list[str]:
    """Command line options of the server."""
    if options.workers < 1:
        raise StepError(f"--workers is {options.workers}; expected 1 or more")
    arguments = ["--workers", str(options.workers)]
    if options.log_predictions:
        arguments += ["--log-predictions", str(_named_folder(folder, options.log_predictions, services))]
    return arguments


def _sample_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The first rows of the sample as JSON values; missing values are null."""
    frame = inputs.frame(folder, name, "sample").head(_MAX_SAMPLE_ROWS)
    with_nulls = frame.astype(object).where(frame.notna(), None)
    return [
        {str(column): _to_json_value(value) for column, value in row.items()}
        for row in with_nulls.to_dict(orient="records")
    ]


def _to_json_value(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _state_folder(folder: Path, options: argparse.Namespace, services: Services) -> Path:
    if options.state_folder:
        return _named_folder(folder, options.state_folder, services)
    named = os.environ.get(STATE_VARIABLE)
    return Path(named).expanduser().absolute() if named else _user_home(folder) / ".mlcraft" / "serving"


def _named_folder(folder: Path, name: str, services: Services) -> Path:
    """The path of a folder outside of the step's own; raises an error if the step may not write there."""
    path = (folder / Path(name).expanduser()).absolute()
    services.permissions.check_target(path, name)
    return path


def _user_home(folder: Path) -> Path:
    """The user's home. CWL runners set HOME to the step's own folder, which is deleted when the step ends."""
    home = Path.home()
    return Path(pwd.getpwuid(os.getuid()).pw_dir) if home.resolve() == folder.resolve() else home
