"""Ids, prefixes and addresses as written in one file, from the full ones that cwltool works with."""

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
# What Composer accepts as an id, without the slash, which it would take for a path.
_VALID_ID = re.compile(r"[A-Za-z0-9_;?\-:@&=+$,.#!~*'()\[\]]+")


def is_valid_id(name: str) -> bool:
    """Whether Composer accepts an id unchanged."""
    return _VALID_ID.fullmatch(name) is not None


def is_extension(field: str) -> bool:
    """Whether a field is an extension of CWL: a full address, or a name with an undeclared prefix."""
    return ":" in field


def to_valid_ids(names: Sequence[str]) -> dict[str, str]:
    """Valid, unique ids for Composer from the ids of one kind."""
    used = {name for name in names if is_valid_id(name)}
    valid_ids = {}
    for name in names:
        valid_ids[name] = name if name in used else _unique_name(re.sub(r"\W", "_", name, flags=re.ASCII) or "_", used)
        used.add(valid_ids[name])
    return valid_ids


def snake_case(name: str) -> str:
    """The id of a process as Composer saves it."""
    words = re.sub(r"\W+", "_", name, flags=re.ASCII)
    return re.sub(r"[A-Z]", lambda letter: "_" + letter.group().lower(), words).lstrip("_") or "process"


def _unique_name(name: str, used: set[str]) -> str:
    number, candidate = 1, name
    while candidate in used:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def short_id(uri: str) -> str:
    """The last part of an id."""
    return (urldefrag(uri)[1] or uri).rpartition("/")[2]


class Names:
    """Shortens full addresses as one file writes them: with prefixes, and paths relative to its folder."""

    def __init__(self, namespaces: Mapping[str, str], folder: Path):
        self._folder = folder
        self._prefixes = {uri: prefix for prefix, uri in {**_DEFAULT_NAMESPACES, **namespaces}.items()}
        self._declared = set(namespaces.values())
        self._used = {SBG}

    def namespaces(self) -> dict[str, str]:
        """The prefixes that the file declares: the given ones, and those that it uses."""
        declared = self._declared | self._used
        return {prefix: uri for uri, prefix in self._prefixes.items() if uri in declared}

    def compact(self, uri: str) -> str:
        """An address with a prefix in place of its namespace, if there is one."""
        for start, prefix in self._prefixes.items():
            if uri.startswith(start) and uri != start:
                self._used.add(start)
                return f"{prefix}:{uri.removeprefix(start)}"
        return self.path(uri)

    def path(self, uri: str) -> str:
        """A file's address as a path relative to the folder; other addresses unchanged."""
        file, fragment = urldefrag(uri)
        if not file.startswith("file:"):
            return uri
        relative = os.path.relpath(uri_to_path(file), self._folder).replace(os.sep, "/")
        # Composer reads it as a path, cwltool as an address, so as few characters as possible are encoded.
        relative = re.sub("[%#?]", lambda sign: quote(sign.group()), relative)
        return f"{relative}#{fragment}" if fragment else relative

    def value(self, node: Any) -> Json:
        """A value of the document with paths of files relative to the folder."""
        return self._value(to_builtin(node))

    def _value(self, node: Json) -> Json:
        if isinstance(node, list):
            return [self._value(item) for item in node]
        if not isinstance(node, dict):
            return node
        result = {self.key(key): self._value(item) for key, item in node.items() if not key.startswith("_")}
        if result.get("class") in ("File", "Directory"):
            for key in ("location", "path"):
                if isinstance(result.get(key), str):
                    result[key] = self.path(result[key])
            if isinstance(result.get("format"), str):
                result["format"] = self.compact(result["format"])
        return result

    def key(self, name: str) -> str:
        """A field's name with a prefix in place of its namespace."""
        return self.compact(name) if "://" in name else name

    def hint(self, node: Any) -> Json:
        """A hint or a requirement with a prefix in its class."""
        result = self.value(node)
        return {**result, "class": self.key(str(result["class"]))}

    def extras(self, node: Mapping[str, Any]) -> dict[str, Json]:
        """The namespaced fields of a part of the document."""
        return {
            self.key(key): self.value(item)
            for key, item in node.items()
            if is_extension(key) and not key.startswith("http://commonwl.org/cwltool#original_")
        }
