"""Which files of a folder are documents."""

from __future__ import annotations

from pathlib import Path

from airflow_mlcraft.cwl.discover import find_documents

CWL = "cwlVersion: v1.2\nclass: CommandLineTool\n"


def test_documents(tmp_path: Path) -> None:
    for name, text in {
        "b.cwl": CWL,
        "a.cwl": "anything: the suffix is a promise\n",
        "sub/deep/c.yaml": CWL,
        "d.yml": "class: File\npath: x\n",
        "job.json": '{"word": "hi"}',
        "e.json": '{"cwlVersion": "v1.0", "class": "Workflow"}',
        "packed.json": '{"$graph": [], "cwlVersion": "v1.0"}',
        "job_with_version.yml": "cwlVersion: v1.2\ntool:\n  class: File\n  path: x\n",
        "flow.yml": "{cwlVersion: v1.2, class: CommandLineTool}\n",
        "f.txt": CWL,
        "g.cwl.bak": CWL,
        ".hidden.cwl": CWL,
        ".git/h.cwl": CWL,
        "__pycache__/i.cwl": CWL,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    (tmp_path / "gone.yml").symlink_to("nowhere")
    found = [path.relative_to(tmp_path).as_posix() for path in find_documents(tmp_path)]
    assert found == ["a.cwl", "b.cwl", "e.json", "flow.yml", "packed.json", "sub/deep/c.yaml"]


def test_an_empty_folder(tmp_path: Path) -> None:
    assert find_documents(tmp_path) == []
