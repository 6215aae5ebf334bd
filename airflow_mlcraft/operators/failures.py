"""Errors of this package as Airflow's exceptions: retried or not, and without a traceback in the task's log."""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_mlcraft.adapters.airflow_sdk import add_log_processor
from airflow_mlcraft.common.extras import find_missing_extra
from airflow_mlcraft.errors import MlcraftError, StoreError, UnsupportedError


class UnsupportedFailure(AirflowFailException):
    """The document needs a feature that is not available here."""


@contextmanager
def as_airflow_exceptions(where: str = "") -> Iterator[None]:
    """Raise our errors as Airflow's exceptions, `where` before their message; permanent ones are not retried."""
    prefix = f"{where}: " if where else ""
    try:
        yield
    except UnsupportedError as error:
        _log_without_traceback()
        raise UnsupportedFailure(f"{prefix}{error}") from None
    except MlcraftError as error:
        temporary = isinstance(error, StoreError) or getattr(error, "temporary", False)
        exception = AirflowException if temporary else AirflowFailException
        _log_without_traceback()
        raise exception(f"{prefix}{error}") from None
    except ModuleNotFoundError as error:
        missing = find_missing_extra(error)
        if missing is None:
            raise
        _log_without_traceback()
        raise AirflowFailException(f"{prefix}{missing}") from None


def _log_without_traceback() -> None:
    """Have the task's log end in the error's message alone: Airflow's stack above it is of no use to a user."""
    add_log_processor(_drop_traceback)


def _drop_traceback(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = sys.exc_info()[1] if event.get("exc_info") else None
    if isinstance(error, AirflowException) and isinstance(error.__context__, (MlcraftError, ModuleNotFoundError)):
        del event["exc_info"]
        event["event"] = str(error)
    return event
