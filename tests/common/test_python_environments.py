"""Python environments that uv makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.common import python_environments


@pytest.fixture
def hanging_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that does not end, as with an index that never answers."""
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(python_environments, "find_uv", lambda: str(program))
    monkeypatch.setattr(python_environments, "_UV_SECONDS", 0.5)


@pytest.mark.usefixtures("hanging_uv")
def test_a_uv_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(python_environments.PythonEnvironmentError) as caught:
        python_environments.get_or_create_environment(["six==1.17"], tmp_path / "environments")
    assert "six==1.17 cannot be installed: uv venv" in str(caught.value)
    assert "did not end within" in str(caught.value)
    assert "try again" in str(caught.value)
    assert not [path for path in (tmp_path / "environments").iterdir() if path.is_dir()], "nothing half made stays"
    with pytest.raises(python_environments.UvError, match="uv pip compile did not end within"):
        python_environments.run_uv(["pip", "compile", "wanted.txt"])
