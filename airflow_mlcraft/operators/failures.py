"""What a task that fails says: a sentence for what a user can mend, and whether another try may help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
        raise UnsupportedFailure(f"{prefix}{error}") from None
    except MlcraftError as error:
        passing = isinstance(error, StoreError) or getattr(error, "temporary", False)
        kind = AirflowException if passing else AirflowFailException
        # The sentence says it all: Airflow would log a traceback of ours as well.
        raise kind(f"{prefix}{error}") from None
