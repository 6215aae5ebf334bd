"""Pointers and lists of ignored files, byte for byte as `dvc add` writes them."""

from __future__ import annotations

import shutil
from pathlib import Path

from airflow_mlcraft.store.store import Store
from tests.versioning.repositories import dvc, git, version

NAMES = ["a.csv", "data/b.csv", "123", "true", "we ird:name#.txt", "ü é.csv", "data/[x]*?!", "- dash", "data/x" * 40]
FOLDER = {"x": "x", "y": "", "z": "zz"}


def write_data(repo: Path, path: str, content: str | dict[str, str]) -> None:
    place = repo / path
    shutil.rmtree(place, ignore_errors=True)
    place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        place.write_text(content)
        return
    place.mkdir()
    for name, text in content.items():
        (place / name).write_text(text)


def written(repo: Path) -> dict[str, str]:
    files = [*repo.rglob("*.dvc"), *repo.rglob(".gitignore")]
    found = {path.relative_to(repo).as_posix(): path.read_text() for path in files if path.is_file()}
    return {name: text for name, text in found.items() if not name.startswith(".dvc/")}


def sort_lines(files: dict[str, str]) -> dict[str, list[str]]:
    """The order of the lines in a `.gitignore` is that of the arguments."""
    return {name: sorted(text.splitlines()) if name.endswith(".gitignore") else [text] for name, text in files.items()}


def test_the_same_bytes_as_dvc_add(repo: Path, store: Store, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    shutil.copytree(repo, theirs)
    contents: dict[str, str | dict[str, str]] = {name: f"{name}\n" for name in NAMES}
    contents |= {"empty": "", "folder": FOLDER, "deep/er/folder": {"only": "1"}}
    for path, content in contents.items():
        write_data(theirs, path, content)
    dvc(theirs, "add", "--quiet", *(f"./{path}" for path in contents))
    version(repo, store, contents)
    assert sort_lines(written(repo)) == sort_lines(written(theirs))
    assert git(repo, "status", "--short") == ""


def test_what_people_wrote_into_a_pointer_stays(repo: Path, store: Store, tmp_path: Path) -> None:
    version(repo, store, {"raw": "one", "kind": "file"})
    pointer = repo / "raw.dvc"
    pointer.write_text(f"# from the lab\n{pointer.read_text()}  desc: What it is\nmeta:\n  owner: me\n")
    git(repo, "commit", "--quiet", "-am", "Describe it")
    theirs = tmp_path / "theirs"
    shutil.copytree(repo, theirs)
    write_data(theirs, "raw", FOLDER)
    write_data(theirs, "kind", FOLDER)
    dvc(theirs, "add", "--quiet", "raw", "kind")
    version(repo, store, {"raw": FOLDER, "kind": FOLDER})
    assert written(repo) == written(theirs)
    write_data(theirs, "raw", "again")
    dvc(theirs, "add", "--quiet", "raw")
    version(repo, store, {"raw": "again"})
    assert written(repo) == written(theirs)


def test_a_pointer_of_another_name_is_the_one_that_changes(repo: Path, store: Store) -> None:
    write_data(repo, "raw.csv", "one")
    dvc(repo, "add", "--quiet", "raw.csv")
    (repo / "raw.csv.dvc").rename(repo / "other.dvc")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "Add it")
    version(repo, store, {"raw.csv": "two"})
    assert not (repo / "raw.csv.dvc").exists()
    assert (repo / "raw.csv").read_text() == "two"
    assert dvc(repo, "status") == "Data and pipelines are up to date.\n"


def test_what_git_ignores_already_gets_no_line(repo: Path, store: Store) -> None:
    (repo / ".gitignore").write_text("*.csv\n!/data/kept.csv\n")
    git(repo, "add", ".gitignore")
    git(repo, "commit", "--quiet", "-m", "Ignore")
    version(repo, store, {"data/a.csv": "a", "data/kept.csv": "b"})
    assert (repo / "data/.gitignore").read_text() == "/kept.csv\n"
    assert git(repo, "status", "--short") == ""
