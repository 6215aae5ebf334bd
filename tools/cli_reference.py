"""Write docs/cli.md, the reference of the command `mlcraft`, from the command itself."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from airflow_mlcraft.cli.main import app

DOCUMENT = Path(__file__).parents[1] / "docs" / "cli.md"
_SHARED_OPTIONS = ("--projects", "--json")

_HEAD = """# The command

`mlcraft`, and `haj`, which is the same command under another name. This page is made from the command itself, by
`make docs`; [tutorial.md](tutorial.md) shows the verbs at work.

All verbs of projects take `--json`, which prints one JSON value and nothing else on stdout; `--projects FOLDER`, the
folder of the projects (otherwise the one that `$MLCRAFT_PROJECTS` names, the one that you are in, or `./ml_projects`);
and `--help`. An option with `…` takes several values, as `-m ridge lasso` or as `-m ridge -m lasso`. Results are on
stdout, and what goes on meanwhile on stderr.

Exit codes: 0 well; 1 a mistake or a failure that was told; 2 wrong options; 3 no server runs (`status`);
130 interrupted. `mlcraft --install-completion` makes your shell complete verbs, options and names of projects.
"""


def reference() -> str:
    """The text of the page."""
    return "\n".join([_HEAD, *_write_commands(app, "mlcraft", "##")])


def _write_commands(verbs: typer.Typer, name: str, level: str) -> Iterator[str]:
    for command in verbs.registered_commands:
        if command.callback is not None:
            yield from _write_verb(f"{name} {command.name or command.callback.__name__}", command.callback, level)
    for group in verbs.registered_groups:
        if isinstance(group.typer_instance, typer.Typer):
            yield f"{level} {name} {group.name}\n\n{group.typer_instance.info.help}\n"
            yield from _write_commands(group.typer_instance, f"{name} {group.name}", f"{level}#")


def _write_verb(name: str, verb: Callable[..., Any], level: str) -> Iterator[str]:
    params = list(_list_parameters(verb))
    arguments = [each for each in params if isinstance(each[1], ArgumentInfo)]
    options = [
        each
        for each in params
        if isinstance(each[1], OptionInfo) and not {*_option_names(*each[:2])} & {*_SHARED_OPTIONS}
    ]
    yield f"{level} {name}\n"
    yield f"`{' '.join([name, *(_format_argument(*each) for each in arguments), '[OPTIONS]'])}`\n"
    yield f"{inspect.cleandoc(verb.__doc__ or '')}\n"
    rows = [(f"`{_format_argument(*each)}`", each[1].help) for each in arguments]
    rows += [(_format_option(*each), each[1].help) for each in options]
    if rows:
        yield "| argument or option | what it is |\n|---|---|"
        yield from (f"| {left} | {_escape_cell(right or '')} |" for left, right in rows)
        yield ""


def _list_parameters(verb: Callable[..., Any]) -> Iterator[tuple[inspect.Parameter, Any, Any]]:
    """Yield each parameter with typer's information and its type."""
    hints = get_type_hints(verb, include_extras=True)
    for param in inspect.signature(verb).parameters.values():
        kind, info = get_args(hints[param.name])[:2]
        yield param, info, kind


def _format_argument(param: inspect.Parameter, info: Any, kind: Any) -> str:
    name = (info.metavar or param.name.upper()).strip("[]")
    if list in (get_origin(kind), *map(get_origin, get_args(kind))):
        name += "…"
    return name if param.default is inspect.Parameter.empty else f"[{name}]"


def _format_option(param: inspect.Parameter, info: Any, kind: Any) -> str:
    names = ", ".join(f"`{name}`" for name in _option_names(param, info))
    if kind is bool:
        return names
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"{names} `{_escape_cell('|'.join(member.value for member in kind))}`"
    return f"{names} `{_escape_cell(info.metavar or param.name.upper())}`"


def _option_names(param: inspect.Parameter, info: Any) -> list[str]:
    """The names of an option; within Annotated, typer stores the first name as the default."""
    names = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str) and name[:1] == "-"]
    return names or [f"--{param.name.replace('_', '-')}"]


def _escape_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write the page."""
    DOCUMENT.write_text(reference(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
