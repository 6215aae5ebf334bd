"""A `.dvc` file, byte for byte as `dvc add` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from airflow_mlcraft.errors import VersioningError

SUFFIX = ".dvc"


@dataclass(frozen=True)
class Data:
    """What a pointer points to: an object of the store, a file's or a folder's."""

    oid: str
    size: int
    nfiles: int | None = None
    """How many files a folder has."""

    def fields(self) -> dict[str, Any]:
        """In DVC's order."""
        many = {} if self.nfiles is None else {"nfiles": self.nfiles}
        return {"md5": self.oid, "size": self.size, **many, "hash": "md5"}


def written(data: Data, name: str, before: bytes | None = None) -> bytes:
    """The pointer to data of that name; of the pointer before, all that people have written into it stays."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    document: Any = {"outs": [{**data.fields(), "path": name}]}
    if before is not None:
        document = _loaded(yaml, before)
        (out,) = [out for out in document["outs"] if out["path"] == name]
        for gone in out.keys() & {"nfiles", "isexec", "files"} - data.fields().keys():
            del out[gone]
        for key, value in data.fields().items():
            out[key] = value
    text = BytesIO()
    yaml.dump(document, text)
    return text.getvalue()


def outputs_in(pointer: bytes) -> list[dict[str, Any]]:
    """The outputs that a `.dvc` file names; none where it is no such file."""
    from ruamel.yaml import YAML

    try:
        document = _loaded(YAML(typ="safe"), pointer)
    except VersioningError:
        return []
    outs = document.get("outs") if isinstance(document, dict) else None
    named = [out for out in outs or () if isinstance(out, dict) and isinstance(out.get("path"), str)]
    base = str(document.get("wdir", ".")) if named else "."
    # An import is made by DVC from its source, and no run may put something else there.
    imported = bool(document.get("deps")) if named else False
    return [{**out, "wdir": base, "imported": imported} for out in named]


def _loaded(yaml: Any, text: bytes) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        return yaml.load(text)
    except (YAMLError, UnicodeDecodeError) as error:
        raise VersioningError(f"a .dvc file is no YAML: {error}") from error


_SPECIAL = "\\[]!*#?"


def line_for(name: str) -> str:
    """The line that ignores a file or folder of that name beside the `.gitignore`."""
    return "/" + "".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in name)


def with_lines(before: bytes | None, lines: list[str]) -> bytes:
    """A `.gitignore` that has these lines; what is there stays as it is."""
    text = (before or b"").decode("utf-8", "surrogateescape")
    there = text.split("\n")
    for line in lines:
        if line not in there:
            text += f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
            there.append(line)
    return text.encode("utf-8", "surrogateescape")
