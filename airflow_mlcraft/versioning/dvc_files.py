"""The content of `.dvc` files, byte for byte as `dvc add` writes it, and of `.gitignore` files."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from airflow_mlcraft.errors import VersioningError

SUFFIX = ".dvc"
_GITIGNORE_SPECIAL = "\\[]!*#?"


@dataclass(frozen=True)
class DvcData:
    """The object that a `.dvc` file points to: a file or a folder in the store."""

    oid: str
    size: int
    nfiles: int | None = None
    """The number of files, for a folder."""

    def fields(self) -> dict[str, Any]:
        """Return the fields of an output, in DVC's order."""
        nfiles = {} if self.nfiles is None else {"nfiles": self.nfiles}
        return {"md5": self.oid, "size": self.size, **nfiles, "hash": "md5"}


def build_dvc_file(data: DvcData, name: str, previous: bytes | None = None) -> bytes:
    """Build the content of a `.dvc` file for data of a name; fields that users added to `previous` are kept."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    document: Any = {"outs": [{**data.fields(), "path": name}]}
    if previous is not None:
        document = _load_yaml(yaml, previous)
        (out,) = [out for out in document["outs"] if out["path"] == name]
        for key in out.keys() & {"nfiles", "isexec", "files"} - data.fields().keys():
            del out[key]
        for key, value in data.fields().items():
            out[key] = value
    text = BytesIO()
    yaml.dump(document, text)
    return text.getvalue()


def parse_outputs(pointer: bytes) -> list[dict[str, Any]]:
    """Parse the outputs in the content of a `.dvc` file; [] if it is not valid."""
    from ruamel.yaml import YAML

    try:
        document = _load_yaml(YAML(typ="safe"), pointer)
    except VersioningError:
        return []
    outs = document.get("outs") if isinstance(document, dict) else None
    named = [out for out in outs or () if isinstance(out, dict) and isinstance(out.get("path"), str)]
    base = str(document.get("wdir", ".")) if named else "."
    # DVC updates an import from its source; a run must not replace it.
    imported = bool(document.get("deps")) if named else False
    return [{**out, "wdir": base, "imported": imported} for out in named]


def _load_yaml(yaml: Any, text: bytes) -> Any:
    from ruamel.yaml.error import YAMLError

    try:
        return yaml.load(text)
    except (YAMLError, UnicodeDecodeError) as error:
        raise VersioningError(f"a .dvc file is no YAML: {error}") from error


def build_ignore_line(name: str) -> str:
    """Build the line of a `.gitignore` for a file or folder in the same folder."""
    return "/" + "".join(f"\\{character}" if character in _GITIGNORE_SPECIAL else character for character in name)


def add_ignore_lines(previous: bytes | None, lines: list[str]) -> bytes:
    """Return the content of a `.gitignore` with the missing lines added."""
    text = (previous or b"").decode("utf-8", "surrogateescape")
    present = text.split("\n")
    for line in lines:
        if line not in present:
            text += f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
            present.append(line)
    return text.encode("utf-8", "surrogateescape")
