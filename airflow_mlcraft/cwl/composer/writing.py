"""A form as YAML, and YAML as plain values."""

from __future__ import annotations

from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from airflow_mlcraft.cwl.load import plain
from airflow_mlcraft.cwl.plan import Json

_WIDTH = 4096
"""Expressions are not broken into lines that they do not have."""


def written(form: Json) -> str:
    """The text of a document."""
    yaml = YAML()
    yaml.width = _WIDTH
    yaml.allow_unicode = True
    out = StringIO()
    yaml.dump(_with_blocks(form), out)
    return out.getvalue()


def read(text: str) -> Json:
    """What a document says."""
    yaml = YAML(pure=True)
    yaml.allow_duplicate_keys = True
    return plain(yaml.load(text))


def _with_blocks(node: Json) -> Json:
    if isinstance(node, dict):
        return {key: _with_blocks(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_with_blocks(item) for item in node]
    if isinstance(node, str) and "\n" in node and _fits_a_block(node):
        return LiteralScalarString(node)
    return str(node) if isinstance(node, str) else node


def _fits_a_block(text: str) -> bool:
    lines = text.split("\n")
    return not any(line != line.rstrip() or not line.isprintable() for line in lines) and not text.startswith(
        (" ", "\n")
    )
