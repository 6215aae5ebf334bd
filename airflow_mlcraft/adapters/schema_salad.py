"""Internals of schema-salad: the fetcher that reads the files of a document."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from schema_salad.fetcher import DefaultFetcher


class Fetcher(DefaultFetcher):
    """schema-salad's fetcher; a subclass overrides `read` and `can_read`."""

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """The text at a URL. schema-salad calls it."""
        return self.read(url, partial(super().fetch_text, url, content_types))

    def check_exists(self, url: str) -> bool:
        """Whether a URL can be read. schema-salad calls it."""
        return self.can_read(url, partial(super().check_exists, url))

    def read(self, url: str, fetch: Callable[[], str]) -> str:
        """The text at a URL; `fetch` reads it."""
        return fetch()

    def can_read(self, url: str, check: Callable[[], bool]) -> bool:
        """Whether a URL can be read; `check` looks."""
        return check()

    def is_cached(self, url: str) -> bool:
        """Whether schema-salad has the text of a URL already, as it has those of its own schemas."""
        return url in self.cache
