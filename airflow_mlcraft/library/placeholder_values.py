"""Placeholder values for tool inputs without a value, generated from the input's name and type."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from airflow_mlcraft.common.cwl_types import local_name
from airflow_mlcraft.cwl.plan import Json

_FIRST_PLACEHOLDER_NUMBER = 98765001
_FILE_TYPES = ("File", "Directory", "stdin")


class PlaceholderValues:
    """Generates values; files are empty, in a folder, and numbers can be recognized in a command line."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._numbers = count(_FIRST_PLACEHOLDER_NUMBER)
        self._files: Iterator[int] = count(1)
        self.input_names: dict[str, str] = {}
        """Input names by placeholder number."""

    def generate(self, name: str, cwl_type: Json) -> Json:
        """Generate a placeholder value of a type."""
        if isinstance(cwl_type, list):
            return self.generate(name, next((branch for branch in cwl_type if branch != "null"), "null"))
        if isinstance(cwl_type, Mapping):
            return self._generate_complex(name, cwl_type)
        if cwl_type in _FILE_TYPES:
            return self.create_placeholder_file(
                {"class": "Directory" if cwl_type == "Directory" else "File", "basename": name}
            )
        return self._generate_scalar(name, str(cwl_type))

    def with_placeholder_files(self, value: Json) -> Json:
        """Return a value with each file replaced by an empty one: the real files must not be read."""
        if isinstance(value, list):
            return [self.with_placeholder_files(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if value.get("class") in ("File", "Directory"):
            return self.create_placeholder_file(value)
        return {key: self.with_placeholder_files(item) for key, item in value.items()}

    def create_placeholder_file(self, value: Mapping[str, Json]) -> Json:
        """Create an empty file or folder of the same name."""
        location = str(value.get("location") or value.get("path") or "")
        name = os.path.basename(str(value.get("basename") or location.rstrip("/")))  # noqa: PTH119
        folder = self._folder / str(next(self._files))
        folder.mkdir(parents=True)
        path = folder / (name if name not in ("", ".", "..") and "\0" not in name else str(value["class"]))
        if value["class"] == "Directory":
            path.mkdir()
        else:
            path.touch()
        other_fields = {key: value[key] for key in ("class", "format") if isinstance(value.get(key), str)}
        secondary = (
            self.with_placeholder_files(value["secondaryFiles"])
            if isinstance(value.get("secondaryFiles"), list)
            else []
        )
        return {**other_fields, "location": path.as_uri(), **({"secondaryFiles": secondary} if secondary else {})}

    def _generate_complex(self, name: str, cwl_type: Mapping[str, Json]) -> Json:
        kind = cwl_type.get("type")
        if kind == "array":
            return [self.generate(f"{name}_{index}", cwl_type.get("items", "string")) for index in (1, 2)]
        if kind == "enum":
            return local_name(next(iter(cwl_type.get("symbols") or [name])))
        if kind == "record":
            fields = cwl_type.get("fields") or []
            return {
                local_name(field["name"]): self.generate(local_name(field["name"]), field["type"]) for field in fields
            }
        return self.generate(name, kind)

    def _generate_scalar(self, name: str, cwl_type: str) -> Json:
        input_name = name.upper()
        if cwl_type in ("int", "long", "float", "double"):
            number = next(self._numbers)
            self.input_names[str(number)] = input_name
            return number
        if cwl_type == "boolean":
            return True
        return None if cwl_type == "null" else input_name
