"""What a task that fails says: a sentence for what a user can mend, and whether another try may help."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_mlcraft.errors import MlcraftError, StoreError, UnsupportedError


class UnsupportedFailure(AirflowFailException):
    """The document asks for something that cannot be done here."""


@contextmanager
def readable_failures(where: str = "") -> Iterator[None]:
    """Our errors as Airflow's: permanent ones are not retried, as CWL has it."""
    prefix = f"{where}: " if where else ""
    try:
        yield
    except UnsupportedError as error:
        _log_without_traceback()
        raise UnsupportedFailure(f"{prefix}{error}") from None
    except MlcraftError as error:
        passing = isinstance(error, StoreError) or getattr(error, "temporary", False)
        kind = AirflowException if passing else AirflowFailException
        _log_without_traceback()
        raise kind(f"{prefix}{error}") from None


def _log_without_traceback() -> None:
    """Let the task's log end in the sentence. Airflow logs how it came to call us as well, of use to nobody."""
    processors = structlog.get_config()["processors"]
    # In place: the task's logger was made long ago, and has this list.
    if isinstance(processors, list) and _sentence_alone not in processors:
        processors.insert(0, _sentence_alone)


def _sentence_alone(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = sys.exc_info()[1] if event.get("exc_info") else None
    if isinstance(error, AirflowException) and isinstance(error.__context__, MlcraftError):
        del event["exc_info"]
        event["event"] = str(error)
    return event
