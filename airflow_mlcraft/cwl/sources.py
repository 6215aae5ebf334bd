"""Reading the files that a document is made of: which were read, and which may be."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from schema_salad.exceptions import ValidationException
from schema_salad.fetcher import DefaultFetcher


def path_of_uri(uri: str) -> Path:
    """The path that a file: URI names."""
    return Path(unquote(urlsplit(uri).path))


class SourceFetcher(DefaultFetcher):
    """Remembers each file it read, so that a change in any of them is a change of the document.

    Documents are fetched over the network only from hosts that a setting allows.
    """

    def __init__(self, cache: Any, session: Any, *, allowed_hosts: Collection[str], read: dict[str, str]):
        super().__init__(cache, session)
        self._allowed_hosts = allowed_hosts
        self._read = read

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """The text at a URL, noted as a source."""
        self._refuse_foreign_hosts(url)
        text = super().fetch_text(url, content_types)
        self._read.setdefault(url, text)
        return text

    def check_exists(self, url: str) -> bool:
        """Whether there is something to read at a URL."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname not in self._allowed_hosts:
            return url in self.cache
        return super().check_exists(url)

    def _refuse_foreign_hosts(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname not in self._allowed_hosts:
            if url in self.cache:
                return
            raise ValidationException(
                f"the document refers to {url}, and reading documents from {parts.hostname} is not allowed; "
                f"add the host to the setting [mlcraft] allowed_document_hosts, or keep a copy beside the document"
            )
