"""The files of a document: reading and recording them, with limits on what may be read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from schema_salad.exceptions import ValidationException

from airflow_mlcraft.adapters.schema_salad import Fetcher

_IMPORT = re.compile(r"""^[^#\n]*\$(?:import|mixin)["']?\s*:\s*["']?([^\s"',}#]+)["',}]*\s*$""", re.MULTILINE)
"""A reference that includes another file as a whole."""


def uri_to_path(uri: str) -> Path:
    """The path that a file: URI names."""
    return Path(unquote(urlsplit(uri).path))


@dataclass
class Sources:
    """The files read for a document, and those that were looked for and are missing; all by URI."""

    texts: dict[str, str] = field(default_factory=dict)
    states: dict[str, os.stat_result] = field(default_factory=dict)
    """The state of files before they were read, so that a change during compilation is detected."""
    missing: set[str] = field(default_factory=set)


class SourceFetcher(Fetcher):
    """A fetcher that records each file it reads in `sources`: a change of any of them is a change of the document.

    It reads from `allowed_hosts` and, if given, `allowed_folders` only. `texts`, by URI, are not fetched.
    """

    def __init__(
        self,
        cache: Any,
        session: Any,
        *,
        allowed_hosts: Collection[str],
        sources: Sources,
        texts: Mapping[str, str] | None = None,
        allowed_folders: Collection[Path] | None = None,
    ):
        super().__init__(cache, session)
        self._allowed_hosts = allowed_hosts
        self._sources = sources
        self._texts = texts or {}
        self._allowed_folders = (
            None if allowed_folders is None else [os.path.realpath(folder) for folder in allowed_folders]
        )

    def read(self, url: str, fetch: Callable[[], str]) -> str:
        """The text at a URL, recorded as a source."""
        self._refuse_foreign_hosts(url)
        self._refuse_foreign_folders(url)
        state = None if url in self._texts else self._state(url)
        text = self._texts[url] if url in self._texts else fetch()
        if url not in self._sources.texts:
            self._sources.texts[url] = text
            if state is not None:
                self._sources.states[url] = state
        self._refuse_import_cycles(url)
        return text

    def can_read(self, url: str, check: Callable[[], bool]) -> bool:
        """Whether a URL can be read; the result is recorded."""
        self._refuse_foreign_hosts(url)
        self._refuse_foreign_folders(url)
        exists = url in self._texts or check()
        if not exists:
            self._sources.missing.add(url)
        return exists

    def _state(self, url: str) -> os.stat_result | None:
        if not url.startswith("file:"):
            return None
        try:
            return uri_to_path(url).stat()
        except OSError:
            self._sources.missing.add(url)
            return None

    def _refuse_foreign_hosts(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname not in self._allowed_hosts:
            if self.is_cached(url):
                return
            self._sources.missing.add(url)
            raise ValidationException(
                f"the document refers to {url}, and reading documents from {parts.hostname} is not allowed; "
                f"add the host to the setting [mlcraft] allowed_document_hosts, or keep a copy beside the document"
            )

    def _refuse_foreign_folders(self, url: str) -> None:
        if self._allowed_folders is None or not url.startswith("file:") or self.is_cached(url):
            return
        path = os.path.realpath(uri_to_path(url))
        if not any(os.path.commonpath([path, folder]) == folder for folder in self._allowed_folders):
            raise ValidationException(
                f"the document refers to {url}, which is outside of the documents folder and is not read here; "
                f"keep a copy in the folder"
            )

    def _refuse_import_cycles(self, url: str) -> None:
        """Refuse files that import each other in a cycle: they crash schema-salad, and with it the Python process."""
        seen, pending = set(), [url]
        while pending:
            importer = pending.pop()
            for target in _IMPORT.findall(self._sources.texts.get(importer, "")):
                imported = self.urljoin(importer, target)
                if imported == url:
                    raise ValidationException(f"{url} imports itself, through {importer}")
                if imported not in seen:
                    seen.add(imported)
                    pending.append(imported)


def refuse_redirects(allowed_hosts: Collection[str], response: Any, *_: Any, **__: Any) -> None:
    """A response hook of requests: refuses a redirect from an allowed host to one that is not allowed."""
    if not response.is_redirect:
        return
    target = urljoin(response.url, response.headers["location"])
    if urlsplit(target).hostname not in allowed_hosts:
        raise ValidationException(
            f"{response.url} redirects to {target}, and reading documents from {urlsplit(target).hostname} is not "
            "allowed; add the host to the setting [mlcraft] allowed_document_hosts, or keep a copy beside the document"
        )
