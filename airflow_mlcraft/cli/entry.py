"""The entry points of the commands: hand the work to the warm parent, or do it here and start a parent for next time.

Nothing else is imported before the work is handed over, because that time is part of each warm command.
"""

from __future__ import annotations

import os
import sys

from airflow_mlcraft.cli.warm import client

_HELP = ("--help", "-h", "--version", "--install-completion", "--show-completion")


def mlcraft() -> None:
    """The command `mlcraft`, or `haj`."""
    words = sys.argv[1:]
    trains = words[:1] == ["train"]
    start = _hand_over("airflow_mlcraft.cli.main:main") if trains or words[:2] == ["cwl", "run"] else None
    from airflow_mlcraft.cli.main import main

    try:
        main()
    except SystemExit as leaving:
        if start and leaving.code in (None, 0, 1):
            client.start_parent(*start, trains=trains)
        raise
    if start:
        client.start_parent(*start, trains=trains)


def cwl_runner() -> None:
    """The command `mlcraft-cwl-runner`."""
    start = _hand_over("airflow_mlcraft.cli.cwl_runner:command")
    from airflow_mlcraft.cli.cwl_runner import exit_at_once, main

    code = main()
    if start:
        client.start_parent(*start)
    exit_at_once(code)


def _hand_over(command: str) -> tuple[dict[str, str], list[str]] | None:
    """Returns when no parent has taken the command: what to start a parent with, if one may be started."""
    if not client.is_enabled() or any(word in _HELP for word in sys.argv[1:]):
        return None
    client.hand_over(command)
    return dict(os.environ), list(sys.path)
