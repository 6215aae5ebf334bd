"""Job files, in YAML or JSON."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from airflow_mlcraft.cwl.job_file import read_job
from airflow_mlcraft.errors import InputError


def test_paths_start_from_the_job_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = tmp_path / "jobs" / "one.yml"
    job.parent.mkdir()
    job.write_text(
        "file: {class: File, path: a b.txt}\n"
        "files:\n- {class: File, location: sub%20folder/c.txt, secondaryFiles: [{class: File, path: c.idx}]}\n"
        "folder: {class: Directory, path: /data}\nremote: {class: File, location: 's3://bucket/key'}\n"
        "date: 2024-01-01\nnumber: 1.5\nnothing: null\n"
    )
    monkeypatch.chdir("/")
    read = read_job(str(job))
    folder = job.parent.as_uri()
    assert read["file"] == {"class": "File", "location": f"{folder}/a%20b.txt"}
    assert read["files"][0]["location"] == f"{folder}/sub%20folder/c.txt"
    assert read["files"][0]["secondaryFiles"][0]["location"] == f"{folder}/c.idx"
    assert read["folder"]["location"] == "file:///data"
    assert read["remote"]["location"] == "s3://bucket/key"
    assert (read["date"], read["number"], read["nothing"]) == ("2024-01-01", 1.5, None)
    json.dumps(read)
    assert type(read["file"]) is dict


def test_json_and_what_is_not_an_input(tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    job.write_text(
        json.dumps(
            {
                "id": "x",
                "cwl:tool": "t.cwl",
                "$namespaces": {"ex": "https://example.org/"},
                "f": {"class": "File", "path": "a", "format": "ex:text"},
            }
        )
    )
    assert read_job(str(job)) == {
        "f": {"class": "File", "location": (tmp_path / "a").as_uri(), "format": "https://example.org/text"}
    }


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO('{"word": "hi", "file": {"class": "File", "location": "a.txt"}}'))
    assert read_job("-") == {"word": "hi", "file": {"class": "File", "location": (tmp_path / "a.txt").as_uri()}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- a\n- b\n", "a map of names and values"),
        ("a: [1\n", "cannot be read"),
        ("a: b: c\n", "cannot be read"),
        ("just text", "a map of names and values"),
        ("\x01", "cannot be read"),
        ("a: 1\na: 2\n", "cannot be read"),
    ],
)
def test_what_is_no_job(tmp_path: Path, content: str, words: str) -> None:
    job = tmp_path / "job.yml"
    job.write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        read_job(str(job))
    assert "job.yml" in str(caught.value)


def test_an_empty_job_file_has_no_inputs(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("")
    (tmp_path / "braces.yml").write_text("{}")
    assert read_job(str(tmp_path / "job.yml")) == read_job(str(tmp_path / "braces.yml")) == {}


def test_no_job_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no job file .*gone.yml"):
        read_job(str(tmp_path / "gone.yml"))
    with pytest.raises(InputError):
        read_job(str(tmp_path))


def test_not_text(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_bytes(b"a: \xff\n")
    with pytest.raises(InputError, match="job.yml"):
        read_job(str(tmp_path / "job.yml"))


def test_a_job_from_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the shell's <(...) gives one: paths start from the current folder."""
    monkeypatch.chdir(tmp_path)
    reading, writing = os.pipe()
    os.write(writing, b"word: hi\nfile: {class: File, path: a.txt}\n")
    os.close(writing)
    try:
        found = read_job(f"/dev/fd/{reading}")
    finally:
        os.close(reading)
    assert found == {"word": "hi", "file": {"class": "File", "location": (tmp_path / "a.txt").as_uri()}}


def test_a_folder_is_no_job(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; expected a file in YAML or JSON"):
        read_job(str(tmp_path))
