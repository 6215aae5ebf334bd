"""Links, anchors, pictures and names in the documentation, without a network."""

from __future__ import annotations

import ast
import importlib
import posixpath
import re
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import tomlkit
import yaml
from pymdownx.slugs import slugify

import airflow_mlcraft

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
SITE = "https://mlcraft.dev/"
PAGES: dict[str, str] = runpy.run_path(str(PROJECT / "tools" / "site_hooks.py"))["PAGES"]
FILES = sorted([*DOCS.rglob("*.md"), *(PROJECT / name for name in PAGES), PROJECT / "README.md"])
IDS = [path.relative_to(PROJECT).as_posix() for path in FILES]
CODE = re.compile(r"^ *(```|~~~).*?^ *\1 *$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(!?)\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def links(path: Path) -> Iterator[tuple[bool, str]]:
    """Each link outside of code, and whether it is a picture."""
    for match in LINK.finditer(CODE.sub(lambda code: "`" * (code[0].count("\n") + 1), text_of(path))):
        yield bool(match[1]), match[2]


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a page's headings, as the site and the repository's host make them."""
    slug, found, fence = slugify(case="lower"), [], False
    for line in text_of(path).splitlines():
        if line.lstrip().startswith("```"):
            fence = not fence
        elif not fence and (heading := re.match(r"#{1,6} (.+)", line)):
            found.append(slug(re.sub(r"\[([^\]]+)\]\([^)]*\)|[`*]", r"\1", heading[1]), "-"))
    return frozenset(found)


def page_of_site(url: str) -> Path:
    """The file of the repository that an address of the site shows."""
    place = url.removeprefix(SITE).strip("/")
    if posixpath.splitext(place)[1]:
        return DOCS / place
    sources = {page.removesuffix(".md"): source for source, page in PAGES.items()}
    return PROJECT / sources[place] if place in sources else DOCS / f"{place or 'index'}.md"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_links_and_pictures_lead_somewhere(path: Path) -> None:
    wrong = []
    for is_picture, target in links(path):
        place, _, anchor = unquote(target).partition("#")
        if place.startswith(SITE):
            file = page_of_site(place)
        elif re.match(r"[a-z]+:", place):
            continue
        else:
            file = (path.parent / place).resolve() if place else path
        if not file.is_file() or (is_picture and file.suffix not in (".png", ".svg")):
            wrong.append(target)
        elif anchor and anchor not in anchors(file):
            wrong.append(f"{target} has no heading of that name")
    assert not wrong


def test_the_links_of_the_readme_are_absolute() -> None:
    """A package index shows README.md without the files beside it."""
    assert all(target.startswith(("https://", "#")) for _, target in links(PROJECT / "README.md"))
    urls = tomlkit.parse(text_of(PROJECT / "pyproject.toml"))["project"]["urls"]
    assert all(url.startswith(SITE.rstrip("/")) for url in urls.values())
    assert len(text_of(PROJECT / "README.md").splitlines()) < 120


def test_every_picture_is_shown() -> None:
    shown = {unquote(target).rpartition("/")[2] for path in FILES for is_picture, target in links(path) if is_picture}
    assert {path.name for path in (DOCS / "images").iterdir()} == shown


def test_every_page_is_in_the_navigation() -> None:
    class Loader(yaml.SafeLoader):
        """Without the function that mkdocs.yml names."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    config = yaml.load(text_of(PROJECT / "mkdocs.yml"), Loader)  # noqa: S506
    assert config["strict"]
    found = re.findall(r"[\w/-]+\.md", str(config["nav"]))
    assert sorted(found) == sorted(
        [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")] + [*PAGES.values()]
    )


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_modules_that_are_named_are_there(path: Path) -> None:
    text = text_of(path)
    if path.name == "CHANGELOG.md":
        text = "\n".join(line.rpartition("| `")[2] for line in text.splitlines() if line.startswith("| `airflow_"))
    names = set(re.findall(r"\bairflow_mlcraft(?:\.\w+)+", text)) - {"airflow_mlcraft.dev"}
    assert not [name for name in names if not _is_there(name)]
    files = set(re.findall(r"\bairflow_mlcraft/[\w/]+\.py", text))
    assert not [name for name in files if not (PROJECT / name).is_file()]


@pytest.mark.parametrize(
    "path", [DOCS / "architecture.md", *(DOCS / "images").glob("*.svg")], ids=lambda path: path.name
)
def test_files_and_packages_of_the_architecture_are_there(path: Path) -> None:
    package = Path(airflow_mlcraft.__file__).parent
    named = re.findall(r"[`>]((?:\w+/)*\w+\.py)[`<]|`(\w+/)`", text_of(path))
    outside = {"cwl/", "ui/", "executor/", "dags/", "bench/"}
    assert not [
        name for name in ("".join(pair) for pair in named) if not ((package / name).exists() or name in outside)
    ]
    if path.suffix == ".md":
        packages = {f"{entry.parent.name}/" for entry in package.glob("*/__init__.py")}
        assert packages <= {"".join(pair) for pair in named}
        assert all((PROJECT / name).is_dir() for name in outside)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_imports_in_examples_are_right(path: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", text_of(path), re.MULTILINE | re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("airflow_mlcraft"):
                assert all(_is_there(f"{node.module}.{alias.name}") for alias in node.names), ast.unparse(node)
    if path.parent.name == "docs":
        short = re.findall(r"`((?:tracking|operators|hooks|serving)\.[a-z_.]+)", text_of(path))
        wrong = [name for name in short if not _is_there(f"airflow_mlcraft.{name.rstrip('.')}")]
        assert not wrong


def test_installation_stands_on_one_page() -> None:
    command = re.compile(r"pip install [^`\n]*(?:airflow-provider-mlcraft|checkout)")
    assert {path.name for path in FILES if command.search(text_of(path))} == {"install.md"}


def test_the_picture_of_the_layers_is_the_contract() -> None:
    rooms = tomlkit.parse(text_of(PROJECT / "pyproject.toml"))["tool"]["importlinter"]["contracts"][0]["layers"]
    layers = [name.strip() for layer in rooms for name in layer.split("|")]
    drawn = re.findall(r'class="head"[^>]*>(\w+)<', text_of(DOCS / "images" / "rooms.svg"))
    assert drawn == layers


def test_the_metadata_for_the_registry_of_providers() -> None:
    listed = yaml.safe_load(text_of(PROJECT / ".airflow-registry.yaml"))
    project = tomlkit.parse(text_of(PROJECT / "pyproject.toml"))["project"]
    assert listed["package-name"] == project["name"]
    assert listed["docs-url"] == project["urls"]["Homepage"]
    for entry in [*listed["operators"], *listed["hooks"], *listed["other"]]:
        assert _is_there(entry["module"]), entry["module"]


def test_messages_that_are_explained_are_the_products() -> None:
    texts = [
        "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in _parts(node))
        for file in Path(airflow_mlcraft.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(text_of(file)))
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    ]
    whole = "\n".join(re.sub(r"%[ds]", "…", text) for text in texts)
    headings = re.findall(r"^### .*`.+$", text_of(DOCS / "troubleshooting.md"), re.MULTILINE)
    assert len(headings) > 20
    for heading in headings:
        message = re.sub(r"` and `|^### `+|`+$", "…", heading)
        for part in filter(None, (piece.strip(" ;,.():") for piece in re.split(r"[…()]", message))):
            assert part in whole, (heading, part)


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.values if isinstance(node, ast.JoinedStr) else [node]


def _is_there(name: str) -> bool:
    module = name
    rest: list[str] = []
    while True:
        try:
            found = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
    for part in rest:
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True
