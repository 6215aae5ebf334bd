"""Tests of the folder of documents: no change is lost, and no path leads out of it."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from airflow_mlcraft.library.folder import (
    BadNameError,
    ConflictError,
    DocumentFolder,
    NoSuchDocumentError,
    NotTextError,
    ReadOnlyError,
    TakenError,
    validate_path,
)


@pytest.fixture
def folder(tmp_path: Path) -> DocumentFolder:
    (tmp_path / "cwl").mkdir()
    return DocumentFolder(tmp_path / "cwl")


@pytest.mark.parametrize("name", ["a.cwl", "a/b.cwl", "ä ö.cwl", "a.b/c.yaml", "x.json"])
def test_good_names(name: str) -> None:
    assert validate_path(name) == name


ESCAPES = ["/a.cwl", "a/../b.cwl", "../a.cwl", "./a.cwl", "a//b.cwl", "a\\b.cwl", "file:///a.cwl", "a\0.cwl"]
ODDITIES = ["", "a", "a.txt", ".a.cwl", "a\n.cwl", "\ud800.cwl", "x" * 300 + ".cwl", "a/" * 600 + "b.cwl"]


@pytest.mark.parametrize("name", [*ESCAPES, *ODDITIES])
def test_bad_names_are_told_why(name: str) -> None:
    with pytest.raises(BadNameError, match="cannot be the path of a document"):
        validate_path(name)


def test_save_and_read(folder: DocumentFolder) -> None:
    version = folder.save("a/b.cwl", "text: ü\r\n", None)
    found = folder.read("a/b.cwl")
    assert (found.text, found.version) == ("text: ü\r\n", version)
    assert folder.list_names() == ["a/b.cwl"]
    assert [file.name for file in folder.root.rglob("*") if file.is_file()] == ["b.cwl"]


def test_a_save_starts_from_what_is_there(folder: DocumentFolder) -> None:
    first = folder.save("a.cwl", "one", None)
    second = folder.save("a.cwl", "two", first)
    with pytest.raises(ConflictError) as conflict:
        folder.save("a.cwl", "three", first)
    assert (conflict.value.text, conflict.value.version) == ("two", second)
    with pytest.raises(ConflictError, match="is there already"):
        folder.save("a.cwl", "three", None)
    with pytest.raises(NoSuchDocumentError):
        folder.save("b.cwl", "three", first)


def test_a_rename_never_replaces(folder: DocumentFolder) -> None:
    version = folder.save("a.cwl", "a", None)
    folder.save("b.cwl", "b", None)
    with pytest.raises(ConflictError):
        folder.rename("a.cwl", "b.cwl", version, "a")
    assert folder.list_names() == ["a.cwl", "b.cwl"]
    folder.rename("a.cwl", "c/d.cwl", version, "a")
    assert folder.list_names() == ["b.cwl", "c/d.cwl"]


def test_links_that_lead_out_are_refused(folder: DocumentFolder, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.cwl").write_text("secret")
    (folder.root / "link.cwl").symlink_to(tmp_path / "out" / "secret.cwl")
    (folder.root / "folder").symlink_to(tmp_path / "out")
    version = folder.save("inside.cwl", "inside", None)
    (folder.root / "alias.cwl").symlink_to("inside.cwl")
    for name in ("link.cwl", "folder/secret.cwl", "folder/new.cwl"):
        with pytest.raises(BadNameError, match="leads out"):
            folder.read(name)
        with pytest.raises(BadNameError, match="leads out"):
            folder.save(name, "x", None)
    assert "alias.cwl" in folder.list_names()
    folder.save("alias.cwl", "changed", version)
    assert folder.read("inside.cwl").text == "changed"
    assert (folder.root / "alias.cwl").is_symlink()


def test_a_folder_that_is_itself_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    folder = DocumentFolder(tmp_path / "link")
    folder.save("a.cwl", "a", None)
    assert (tmp_path / "real" / "a.cwl").read_text() == "a"


def test_what_cannot_be_saved_says_why(folder: DocumentFolder) -> None:
    folder.save("a.cwl", "a", None)
    (folder.root / "b.cwl").mkdir()
    with pytest.raises(BadNameError, match="is a file"):
        folder.save("a.cwl/b.cwl", "b", None)
    with pytest.raises(TakenError, match="is a folder"):
        folder.save("b.cwl", "b", None)
    with pytest.raises(NotTextError):
        folder.save("c.cwl", "\ud800", None)
    with pytest.raises(ReadOnlyError, match=r"set \[mlcraft\] documents"):
        DocumentFolder(folder.root / "nowhere").save("a.cwl", "a", None)


def test_the_lock_is_of_a_file_that_is_open_for_writing(folder: DocumentFolder) -> None:
    """With a lock as on NFS, a second server waits, and reports the lock file after the timeout."""
    trace = folder.root.parent / "trace"
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.library.folder import DocumentFolder;"
        "DocumentFolder(Path(sys.argv[1])).save('a.cwl', 'a', None)"
    )
    command = ["strace", "-f", "-y", "-e", "trace=openat,flock", "-o", str(trace), sys.executable, "-c", program]
    subprocess.run([*command, str(folder.root)], check=True)
    calls = trace.read_text().splitlines()
    locked = next(line for line in calls if "flock(" in line and str(folder.root) in line and "LOCK_EX" in line)
    path = re.search(r"<(.+?)>", locked)
    assert path
    assert any("O_RDWR" in line for line in calls if "openat(" in line and f'"{path[1]}"' in line)
    assert [file.name for file in folder.root.iterdir()] == ["a.cwl"]


def test_many_who_save_at_once_lose_nothing(folder: DocumentFolder) -> None:
    def append(number: int) -> None:
        while True:
            now = folder.read("all.cwl")
            with suppress(ConflictError):
                folder.save("all.cwl", f"{now.text}{number}\n", now.version)
                return

    folder.save("all.cwl", "", None)
    with ThreadPoolExecutor(8) as many:
        list(many.map(append, range(40)))
    assert sorted(int(line) for line in folder.read("all.cwl").text.split()) == list(range(40))


def test_dag_ids_are_those_of_the_dag_file(folder: DocumentFolder) -> None:
    for name in ("a/b.cwl", "a.b.cwl", "ü.cwl"):
        folder.save(name, "cwlVersion: v1.2\nclass: Workflow\n", None)
    from airflow_mlcraft.dag.loader import dag_ids_in

    assert {name: folder.dag_id(name) for name in folder.list_names()} == {
        path.relative_to(folder.root).as_posix(): dag_id for dag_id, path in dag_ids_in(folder.root)
    }
    assert folder.dag_id("not/there.cwl") == "not.there"
