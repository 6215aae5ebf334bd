"""Files and folders between tasks, and in the output folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.operators.embedded import DagRunResult, fork_server, names_and_texts


def path_of(value: Any) -> Path:
    return Path(unquote(value["location"].removeprefix("file://")))


def job(folder: Path) -> dict[str, Any]:
    given = folder / "given here"
    (given / "data" / "nothing in it").mkdir(parents=True)
    (given / "data" / "only.txt").write_text("only\n")
    (given / "text.txt").write_text("text\n")
    (given / "text.txt.idx").write_text("index\n")
    text = {
        "class": "File",
        "path": str(given / "text.txt"),
        "secondaryFiles": [{"class": "File", "path": str(given / "text.txt.idx")}],
    }
    return {"text": text, "folder": {"class": "Directory", "path": str(given / "data")}}


def check_store(store: Path) -> None:
    """Each object's md5 is its name, and nothing is left of the work."""
    objects = [path for path in (store / "files" / "md5").rglob("*") if path.is_file()]
    assert objects
    for path in objects:
        name = f"{path.parent.name}{path.name}".removesuffix(".dir")
        assert hashlib.md5(path.read_bytes()).hexdigest() == name, path
    assert list((store / "tmp").iterdir()) == []


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> DagRunResult:
    folder = tmp_path_factory.mktemp("files")
    return fork_server().run(folder, "files.cwl", job(folder))


def test_the_same_as_cwltool(result: DagRunResult, tmp_path: Path) -> None:
    by_cwltool = names_and_texts(fork_server().cwltool(tmp_path, "files.cwl", job(tmp_path)))
    ours = names_and_texts(result.ok())
    # cwltool moves a second file of the same name elsewhere in a way of its own.
    assert [text for _, text in ours.pop("same")] == [text for _, text in by_cwltool.pop("same")] == ["same\n"] * 3
    assert ours == by_cwltool


def test_secondary_files(result: DagRunResult) -> None:
    assert names_and_texts(result.ok()["copied"]) == ["copied.txt", "index\ntext\n", ["copied.txt.idx", "copied\n"]]
    assert (path_of(result.outputs["copied"]).parent / "copied.txt.idx").read_text() == "copied\n"


def test_folders_with_empty_folders(result: DagRunResult) -> None:
    tree = path_of(result.ok()["tree"])
    assert sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*")) == [
        "empty",
        "empty/deeper",
        "full",
        "full/a b%20#ü.txt",
    ]
    assert (path_of(result.outputs["given"]) / "nothing in it").is_dir()
    assert path_of(result.outputs["listed"]).read_text().splitlines() == [
        ".",
        "./empty",
        "./empty/deeper",
        "./full",
        "./full/a b%20#ü.txt",
    ], "the next step saw the empty folders too"


def test_the_same_content_under_two_names(result: DagRunResult) -> None:
    same = result.ok()["same"]
    assert [file["basename"] for file in same][:2] == ["one.txt", "two.txt"]
    assert len({path_of(file) for file in same}) == len({file["basename"] for file in same})
    assert all(path_of(file).read_text() == "same\n" for file in same)


def test_literals(result: DagRunResult) -> None:
    assert names_and_texts(result.ok()["written"]) == ["literal.txt", "written\n"]
    gathered = path_of(result.outputs["gathered"])
    assert sorted(path.name for path in gathered.iterdir()) == ["copied.txt", "copied.txt.idx", "literal.txt"]


def test_outputs_are_links_that_nobody_writes_to(result: DagRunResult) -> None:
    file = path_of(result.ok()["listed"])
    assert file.stat().st_mode & 0o222 == 0
    assert file.stat().st_nlink > 1
    check_store(result.folder / "store")


def test_outputs_that_may_be_written_to(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "files.cwl", job(tmp_path), settings={"outputs_writable": "True"})
    file = path_of(ran.ok()["listed"])
    assert file.stat().st_nlink == 1
    with file.open("a") as opened:
        opened.write("more")
    check_store(tmp_path / "store")


def test_given_files_stay_as_they_were(tmp_path: Path) -> None:
    given = job(tmp_path)
    paths = [path for path in (tmp_path / "given here").rglob("*") if path.is_file()]
    before = [(path.stat().st_mode, path.stat().st_nlink, path.stat().st_mtime_ns) for path in paths]
    fork_server().run(tmp_path, "files.cwl", given).ok()
    assert [(path.stat().st_mode, path.stat().st_nlink, path.stat().st_mtime_ns) for path in paths] == before


def test_a_tool_that_writes_to_its_input(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("text\n")
    ran = fork_server().run(tmp_path, "modifies.cwl", {"text": {"class": "File", "path": str(text)}})
    assert names_and_texts(ran.ok()) == {"changed": ["work.txt", "text\nmore\n"], "original": ["seen.txt", "text\n"]}
    assert text.read_text() == "text\n"
    check_store(tmp_path / "store")


def test_runs_do_not_overwrite_each_other(tmp_path: Path) -> None:
    outputs = str(tmp_path / "out" / "{dag_id}" / "{run_id}")
    files = [
        path_of(fork_server().run(tmp_path, "echo.cwl", {"word": word}, settings={"outputs": outputs}).ok()["echoed"])
        for word in ("one", "two")
    ]
    assert [file.read_text() for file in files] == ["one\n", "two\n"]
    assert all(file.parts[-3] == "echo" and "{" not in str(file) for file in files)
    assert os.path.commonpath(files) == str(tmp_path / "out" / "echo")
