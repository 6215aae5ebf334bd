"""The content of `.dvc` files, byte for byte as `dvc add` writes it, and of the `.gitignore` beside them."""

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
        """The fields of an output, in DVC's order."""
        nfiles = {} if self.nfiles is None else {"nfiles": self.nfiles}
        return {"md5": self.oid, "size": self.size, **nfiles, "hash": "md5"}


def build_dvc_file(data: DvcData, name: str, before: bytes | None = None) -> bytes:
    """The content of the `.dvc` file for data of this name; fields that users have added to the former one are kept."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    document: Any = {"outs": [{**data.fields(), "path": name}]}
    if before is not None:
        document = _load_yaml(yaml, before)
        (out,) = [out for out in document["outs"] if out["path"] == name]
        for gone in out.keys() & {"nfiles", "isexec", "files"} - data.fields().keys():
            del out[gone]
        for key, value in data.fields().items():
            out[key] = value
    text = BytesIO()
    yaml.dump(document, text)
    return text.getvalue()


def parse_outputs(pointer: bytes) -> list[dict[str, Any]]:
    """The outputs in the content of a `.dvc` file; none where it is not valid."""
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
    """The line of a `.gitignore` for a file or folder of this name in the same folder."""
    return "/" + "".join(f"\\{sign}" if sign in _GITIGNORE_SPECIAL else sign for sign in name)


def add_ignore_lines(before: bytes | None, lines: list[str]) -> bytes:
    """The content of a `.gitignore` with these lines added where they are missing."""
    text = (before or b"").decode("utf-8", "surrogateescape")
    present = text.split("\n")
    for line in lines:
        if line not in present:
            text += f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
            present.append(line)
    return text.encode("utf-8", "surrogateescape")
