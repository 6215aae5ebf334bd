"""Reading the files that a document is made of: which were read, and which may be."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from schema_salad.exceptions import ValidationException
from schema_salad.fetcher import DefaultFetcher

_IMPORT = re.compile(r"""^[^#\n]*\$(?:import|mixin)["']?\s*:\s*["']?([^\s"',}#]+)["',}]*\s*$""", re.MULTILINE)
"""Where a whole file is put into another."""


def path_of_uri(uri: str) -> Path:
    """The path that a file: URI names."""
    return Path(unquote(urlsplit(uri).path))


@dataclass
class Sources:
    """What was read on the way of a document, and what was looked for in vain; all by URI."""

    texts: dict[str, str] = field(default_factory=dict)
    states: dict[str, os.stat_result] = field(default_factory=dict)
    """Of files, from before they were read: a change while the document is being compiled is seen later."""
    missing: set[str] = field(default_factory=set)


class SourceFetcher(DefaultFetcher):
    """Remembers each file it read, so that a change in any of them is a change of the document.

    Documents are fetched over the network only from hosts that a setting allows. `texts`, by URI, are not fetched.
    """

    def __init__(
        self,
        cache: Any,
        session: Any,
        *,
        allowed_hosts: Collection[str],
        sources: Sources,
        texts: Mapping[str, str] | None = None,
        within: Collection[Path] | None = None,
    ):
        super().__init__(cache, session)
        self._allowed_hosts = allowed_hosts
        self._sources = sources
        self._texts = texts or {}
        self._within = None if within is None else [os.path.realpath(folder) for folder in within]

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """The text at a URL, noted as a source."""
        self._refuse_foreign_hosts(url)
        self._refuse_foreign_folders(url)
        state = None if url in self._texts else self._state(url)
        text = self._texts[url] if url in self._texts else super().fetch_text(url, content_types)
        if url not in self._sources.texts:
            self._sources.texts[url] = text
            if state is not None:
                self._sources.states[url] = state
        self._refuse_circles(url)
        return text

    def check_exists(self, url: str) -> bool:
        """Whether there is something to read at a URL."""
        self._refuse_foreign_hosts(url)
        self._refuse_foreign_folders(url)
        exists = url in self._texts or super().check_exists(url)
        if not exists:
            self._sources.missing.add(url)
        return exists

    def _state(self, url: str) -> os.stat_result | None:
        if not url.startswith("file:"):
            return None
        try:
            return path_of_uri(url).stat()
        except OSError:
            self._sources.missing.add(url)
            return None

    def _refuse_foreign_hosts(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname not in self._allowed_hosts:
            if url in self.cache:
                return
            self._sources.missing.add(url)
            raise ValidationException(
                f"the document refers to {url}, and reading documents from {parts.hostname} is not allowed; "
                f"add the host to the setting [mlcraft] allowed_document_hosts, or keep a copy beside the document"
            )

    def _refuse_foreign_folders(self, url: str) -> None:
        if self._within is None or not url.startswith("file:") or url in self.cache:
            return
        path = os.path.realpath(path_of_uri(url))
        if not any(os.path.commonpath([path, folder]) == folder for folder in self._within):
            raise ValidationException(
                f"the document refers to {url}, which is outside of the documents folder and is not read here; "
                f"keep a copy in the folder"
            )

    def _refuse_circles(self, url: str) -> None:
        """Files that import each other in a circle crash schema-salad, and with it the whole process."""
        seen, ahead = set(), [url]
        while ahead:
            importer = ahead.pop()
            for target in _IMPORT.findall(self._sources.texts.get(importer, "")):
                imported = self.urljoin(importer, target)
                if imported == url:
                    raise ValidationException(f"{url} imports itself, through {importer}")
                if imported not in seen:
                    seen.add(imported)
                    ahead.append(imported)


def refuse_redirects(allowed_hosts: Collection[str], response: Any, *_: Any, **__: Any) -> None:
    """A hook of a session: a host that documents may be read from does not lead on to one that they may not."""
    if not response.is_redirect:
        return
    target = urljoin(response.url, response.headers["location"])
    if urlsplit(target).hostname not in allowed_hosts:
        raise ValidationException(
            f"{response.url} redirects to {target}, and reading documents from {urlsplit(target).hostname} is not "
            "allowed; add the host to the setting [mlcraft] allowed_document_hosts, or keep a copy beside the document"
        )
