"""Retry with exponential backoff for transfers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_mlcraft.errors import StepError

MAX_TRIES = 5
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
MAX_RETRY_AFTER = 120.0
"""Longest wait, in seconds, that a server may ask for; if it asks for more, the step ends instead of waiting."""


class TransientError(Exception):
    """A failure that may pass. `retry_after` is the number of seconds that the server asks to wait."""

    def __init__(self, message: str, *, retry_after: float | None = None):
        self.retry_after = retry_after
        super().__init__(message)


def retry_transfer(
    attempt: Callable[[], None], *, address: str, bytes_received: Callable[[], int], log: Callable[[str], None]
) -> None:
    """Call `attempt` until it succeeds; raises a temporary `StepError` after too many failures in a row.

    Waits double from failure to failure. Counting starts again when `bytes_received` has grown since the last failure.
    """
    failures, received_before = 0, bytes_received()
    while True:
        try:
            attempt()
            return
        except TransientError as error:
            received = bytes_received()
            failures = 1 if received > received_before else failures + 1
            received_before = received
            backoff = min(FIRST_WAIT * float(2 ** (failures - 1)), LONGEST_WAIT)
            wait = backoff if error.retry_after is None else error.retry_after
            if failures >= MAX_TRIES or wait > MAX_RETRY_AFTER:
                reason = (
                    f", since it asks to wait {wait:.0f} s" if wait > MAX_RETRY_AFTER else f" after {failures} tries"
                )
                raise StepError(f"{address}: {error}; given up{reason}; a later try may do", temporary=True) from None
            log(f"{error}; trying again in {wait:g} s")
            time.sleep(wait)


@contextmanager
def translate_disk_errors() -> Iterator[None]:
    """Raise failures of the disk as `StepError`, so that they are not retried as failures of the network."""
    try:
        yield
    except OSError as error:
        raise StepError(f"the data cannot be written: {error.strerror or error}") from None
