"""Artifacts of any address."""

from __future__ import annotations

from pathlib import Path

from airflow_mlcraft.adapters.mlflow import download_artifact, upload_artifact


def test_a_file_comes_back_from_an_artifact_address(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    root = (tmp_path / "artifacts").as_uri()
    upload_artifact(root, tmp_path / "a.txt", "")
    upload_artifact(root, tmp_path / "a.txt", "in/here")
    (tmp_path / "fetched").mkdir()
    found = download_artifact(root, "in/here/a.txt", str(tmp_path / "fetched"))
    assert found.read_text() == "a"
    assert found.is_relative_to(tmp_path / "fetched")
    assert (tmp_path / "artifacts" / "a.txt").is_file()
