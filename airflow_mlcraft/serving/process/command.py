"""`python -m airflow_mlcraft.serving`: a model folder as an inference server, in this process."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from airflow_mlcraft.common.extras import require_extra
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.serving.options import Options
from airflow_mlcraft.serving.process.json_logging import configure_json_logging


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal or a `stop` command; returns 1 with a message when the server cannot start."""
    from airflow_mlcraft.serving.process.supervisor import supervise

    options = vars(_build_parser().parse_args(arguments))
    configure_json_logging()
    try:
        require_extra("serve")
        supervise(Options(**{field.name: options[field.name] for field in fields(Options) if field.name in options}))
    except MlcraftError as error:
        print(f"mlcraft serving: {error}", file=sys.stderr)
        return 1
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_mlcraft.serving",
        description="Serve a model folder over HTTP.",
        epilog="The environment variable MLCRAFT_API_KEY holds the key that requests need; without it they need none.",
    )
    defaults = Options(model=Path())
    parser.add_argument("--model", type=_to_folder, required=True, help="the model folder")
    parser.add_argument("--name", default=defaults.name, help="what the model is called in /v2/models/NAME")
    parser.add_argument("--host", default=defaults.host, help="the address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=defaults.port, help="0 takes a free one (%(default)s)")
    parser.add_argument("--workers", type=_to_positive, default=defaults.workers, help="processes (%(default)s)")
    parser.add_argument("--state", type=_to_folder, help="the folder of the admin socket")
    parser.add_argument(
        "--max-body", type=_to_positive, default=defaults.max_body, help="bytes of a request (%(default)s)"
    )
    parser.add_argument(
        "--max-rows", type=_to_positive, default=defaults.max_rows, help="rows of a request (%(default)s)"
    )
    parser.add_argument(
        "--max-waiting",
        type=_to_positive,
        default=defaults.max_waiting,
        help="requests that may wait for the model in each worker before more are refused (%(default)s)",
    )
    parser.add_argument("--timeout", type=float, default=defaults.timeout, help="seconds to an answer (%(default)s)")
    parser.add_argument(
        "--grace", type=float, default=defaults.grace, help="seconds to finish at the end (%(default)s)"
    )
    parser.add_argument(
        "--window", type=float, default=defaults.window, help="seconds that /latency tells of (%(default)s)"
    )
    parser.add_argument("--log-predictions", type=_to_folder, metavar="FOLDER", help="keep questions and answers there")
    parser.add_argument(
        "--log-sample", type=float, default=defaults.log_sample, help="the share that is kept (%(default)s)"
    )
    parser.add_argument(
        "--log-bytes", type=_to_positive, default=defaults.log_bytes, help="size of one file (%(default)s)"
    )
    parser.add_argument(
        "--log-files", type=_to_positive, default=defaults.log_files, help="files of a worker (%(default)s)"
    )
    parser.add_argument("--no-access-log", dest="access_log", action="store_false", help="no log line a request")
    return parser


def _to_folder(text: str) -> Path:
    return Path(text).absolute()


def _to_positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number
