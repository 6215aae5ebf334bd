"""Ids, prefixes and addresses as they are written in one file, from the full ones that cwltool works with."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urldefrag

from airflow_mlcraft.cwl.nodes import to_builtin
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.cwl.sources import uri_to_path

SBG = "https://www.sevenbridges.com/"
CWLTOOL = "http://commonwl.org/cwltool#"
_DEFAULT_NAMESPACES = {"sbg": SBG, "cwltool": CWLTOOL, "mlcraft": "https://mlcraft.dev/cwl#"}
# What Composer takes for an id, apart from the slash that it would not tell from a path.
_VALID_ID = re.compile(r"[A-Za-z0-9_;?\-:@&=+$,.#!~*'()\[\]]+")


def is_valid_id(name: str) -> bool:
    """Whether Composer takes an id as it is."""
    return _VALID_ID.fullmatch(name) is not None


def is_extension(field: str) -> bool:
    """Whether a field is no word of CWL: a full address, or a name with a prefix that the document does not declare."""
    return ":" in field


def to_valid_ids(names: Sequence[str]) -> dict[str, str]:
    """The ids of one kind, each fit for Composer, no two alike."""
    taken = {name for name in names if is_valid_id(name)}
    made = {}
    for name in names:
        made[name] = name if name in taken else _unique_name(re.sub(r"\W", "_", name, flags=re.ASCII) or "_", taken)
        taken.add(made[name])
    return made


def snake_case(name: str) -> str:
    """The id of a process as Composer leaves it."""
    words = re.sub(r"\W+", "_", name, flags=re.ASCII)
    return re.sub(r"[A-Z]", lambda letter: "_" + letter.group().lower(), words).lstrip("_") or "process"


def _unique_name(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def short_id(uri: str) -> str:
    """The last part of an id."""
    return (urldefrag(uri)[1] or uri).rpartition("/")[2]


class Names:
    """How one file writes what has a full address: prefixes, and paths from its own folder."""

    def __init__(self, namespaces: Mapping[str, str], folder: Path):
        self._folder = folder
        self._prefixes = {uri: prefix for prefix, uri in {**_DEFAULT_NAMESPACES, **namespaces}.items()}
        self._declared = set(namespaces.values())
        self._used = {SBG}

    def namespaces(self) -> dict[str, str]:
        """The prefixes that the file declares: those it was given, and those it uses."""
        kept = self._declared | self._used
        return {prefix: uri for uri, prefix in self._prefixes.items() if uri in kept}

    def compact(self, uri: str) -> str:
        """An address with its prefix, where there is one."""
        for start, prefix in self._prefixes.items():
            if uri.startswith(start) and uri != start:
                self._used.add(start)
                return f"{prefix}:{uri.removeprefix(start)}"
        return self.path(uri)

    def path(self, uri: str) -> str:
        """A file's address as a path from here; any other as it is."""
        file, fragment = urldefrag(uri)
        if not file.startswith("file:"):
            return uri
        relative = os.path.relpath(uri_to_path(file), self._folder).replace(os.sep, "/")
        # Composer takes it for a path, cwltool for an address: as little is encoded as can be.
        relative = re.sub("[%#?]", lambda sign: quote(sign.group()), relative)
        return f"{relative}#{fragment}" if fragment else relative

    def value(self, node: Any) -> Json:
        """A value of the document: its files by their paths from here."""
        return self._value(to_builtin(node))

    def _value(self, node: Json) -> Json:
        if isinstance(node, list):
            return [self._value(item) for item in node]
        if not isinstance(node, dict):
            return node
        made = {self.key(key): self._value(item) for key, item in node.items() if not key.startswith("_")}
        if made.get("class") in ("File", "Directory"):
            for key in ("location", "path"):
                if isinstance(made.get(key), str):
                    made[key] = self.path(made[key])
            if isinstance(made.get("format"), str):
                made["format"] = self.compact(made["format"])
        return made

    def key(self, name: str) -> str:
        """A field's name with its prefix."""
        return self.compact(name) if "://" in name else name

    def hint(self, node: Any) -> Json:
        """A hint or a requirement, its class with its prefix."""
        made = self.value(node)
        return {**made, "class": self.key(str(made["class"]))}

    def extras(self, node: Mapping[str, Any]) -> dict[str, Json]:
        """The namespaced fields of a part of the document."""
        return {
            self.key(key): self.value(item)
            for key, item in node.items()
            if is_extension(key) and not key.startswith("http://commonwl.org/cwltool#original_")
        }
