"""The folder that a run's outputs are put into."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.operators.run_outputs import CwlOutputsOperator


@pytest.mark.parametrize("name", ["..", ".", "../..", "/etc", "a/../../b", "a" * 300])
def test_no_run_and_no_dag_is_named_out_of_the_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__OUTPUTS", f"{tmp_path}/{{{{ dag_id }}}}/{{{{ run_id }}}}")
    task = CwlOutputsOperator(task_id="outputs", plan="", base="", document="")
    for dag_id, run_id in ((name, "run"), ("dag", name), (name, name)):
        folder = task._folder(dag_id, run_id)
        assert folder.resolve().parent.parent == tmp_path
        assert folder.relative_to(tmp_path).parts == folder.resolve().relative_to(tmp_path).parts
