"""Documents with one mistake each, made from valid ones: `python -m bench.mutations SUITE [COUNT]`.

Each of them must compile, or be refused with a message that has a line.
"""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SEED = 20261129
_VALUES: list[Any] = [
    None, [], {}, 5, -1, 1.5, True, "x", "", "$(", "${", "$(inputs.nothing.at.all)", "a\0b", "\ud800", "#", "#/", "..",
    "/",    "a/b/c", "http://[", "https://nowhere.example/x.cwl", ["x", "x"], [None], [[]], {"x": None}, {"class": 5},
    {"$import": "not_there.yml"}, {"$import": "https://nowhere.example/types.yml"}, {"$include": "not_there.txt"},
    "null", "File", "File[]?", "string[][]", 2**70, float("inf"), float("nan"), "é" * 300,
]  # fmt: skip
_MARKS = "{}[]:#&*!|>%@`,'\""
_KEYS = ["x", "", "class", "run", "id", "$import", "$graph", "scatter", "when", "type", "in", "source", 5]


@dataclass(frozen=True)
class Mutation:
    """A document with one mistake, with the content `text` at `path`."""

    path: Path
    text: str
    what: str


def mutations(suite: Path, count: int, seed: int = SEED) -> Iterator[Mutation]:
    """Documents with mistakes; equal seeds result in equal documents."""
    rng = random.Random(seed)  # noqa: S311
    documents = sorted(suite.glob("*.cwl"))
    made_count = 0
    while made_count < count:
        path = rng.choice(documents)
        text = path.read_text(encoding="utf-8")
        try:
            mutated, what = rng.choice([_in_values, _in_values, _in_text])(text, rng)
        except (yaml.YAMLError, ValueError):
            continue
        if mutated != text:
            made_count += 1
            yield Mutation(path, mutated, what)


def _in_values(text: str, rng: random.Random) -> tuple[str, str]:
    document = yaml.safe_load(text)
    places = list(_places(document))
    holder, key = rng.choice(places)
    action: Callable[[Any, Any, random.Random], str] = rng.choice([_replace, _replace, _remove, _rename, _copy])
    what = action(holder, key, rng)
    # JSON can write texts that YAML cannot.
    return json.dumps(document, indent=1, allow_nan=True).replace("Infinity", ".inf").replace("NaN", ".nan"), what


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, (dict, list)):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            yield node, key
            yield from _places(node[key])


def _replace(holder: Any, key: Any, rng: random.Random) -> str:
    holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return f"{key} is {holder[key]!r}"


def _remove(holder: Any, key: Any, rng: random.Random) -> str:
    del holder[key]
    return f"{key} is gone"


def _rename(holder: Any, key: Any, rng: random.Random) -> str:
    if not isinstance(holder, dict):
        return _replace(holder, key, rng)
    new = rng.choice([*_KEYS, f"{key}s", str(key).upper()])
    holder[new] = holder.pop(key)
    return f"{key} is called {new!r}"


def _copy(holder: Any, key: Any, rng: random.Random) -> str:
    """Copy a part of the document to another place."""
    holder[key] = [copy.deepcopy(holder[key])] if rng.random() < 1 / 2 else {"x": copy.deepcopy(holder[key])}
    return f"{key} is wrapped"


def _in_text(text: str, rng: random.Random) -> tuple[str, str]:
    lines = text.splitlines(keepends=True)
    position = rng.randrange(len(lines))
    kind = rng.choice(["remove", "indent", "outdent", "tab", "cut", "double", "character"])
    line = lines[position]
    changed = {
        "remove": "",
        "indent": f"  {line}",
        "outdent": line.removeprefix(" "),
        "tab": f"\t{line}",
        "cut": line[: rng.randrange(len(line))],
        "double": line * 2,
        "character": line[: len(line) // 2] + rng.choice(_MARKS) + line[len(line) // 2 :],
    }[kind]
    return "".join([*lines[:position], changed, *lines[position + 1 :]]), f"{kind} line {position + 1}"


def refusal_of(mutation: Mutation) -> str:
    """The fault of a document's refusal; "" if it compiles, or is refused well."""
    from airflow_mlcraft.cwl.compile import compile_document
    from airflow_mlcraft.cwl.load import load
    from airflow_mlcraft.dag.airflow_limits import build_dag, serialize_dag
    from airflow_mlcraft.errors import DocumentError

    try:
        plan, _ = compile_document(load(mutation.path, texts={mutation.path: mutation.text}))
        serialize_dag(build_dag(plan, "mutated", mutation.text), mutation.text)
    except DocumentError as error:
        if not error.line:
            return f"no line: {error}"
        return f"no sentence: {error}" if "cwltool does not say why" in str(error) else ""
    except Exception as error:
        # An exception of this kind is the fault that this benchmark finds.
        return f"{type(error).__name__}: {error}"
    return ""


def main(suite: str, count: str = "1500") -> None:
    """Print each bad refusal, and their number."""
    bad = 0
    for mutation in mutations(Path(suite) / "tests", int(count)):
        if why := refusal_of(mutation):
            bad += 1
            print(f"{mutation.path.name}: {mutation.what[:80]}\n    {' '.join(why.split())[:600]}", flush=True)
    print(f"{bad} of {count} mutated documents are refused badly")


if __name__ == "__main__":
    main(*sys.argv[1:])
