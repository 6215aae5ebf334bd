"""The command itself: quick to say what it can, light, and polite to whoever calls it wrongly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import split
from airflow_mlcraft.steps.command import KINDS, run
from airflow_mlcraft.steps.services import Connection, Services, connection_from_environment
from tests.ml.samples import Steps, generate_mixed_table, iris

HEAVY = ("airflow", "cwltool", "matplotlib", "mlflow", "numpy", "optuna", "pandas", "skops", "sklearn")


def test_help_names_each_kind_and_loads_nothing(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom airflow_mlcraft.steps.command import run\n"
        "for words in ([], ['--help'], ['train', '--help'], ['evaluate', '--help']):\n"
        "    assert run(words, folder=Path('.')) == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(kind in done.stdout for kind in KINDS)
    assert "--folds" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bake"], "no step 'bake'; expected one of retrieve, split"),
        (["split"], "the following arguments are required: --data; `mlcraft-step split --help`"),
        (["split", "--data", "x.csv", "--sed", "1"], "unrecognized arguments: --sed"),
        (["split", "--data", "x.csv", "--seed", "one"], "argument --seed: invalid int value: 'one'"),
        (["split", "--data", "x.csv"], "--data: there is no file x.csv"),
        (["split", "--data", "data.csv", "--seed", "-1"], "--seed is -1; expected"),
        (["split", "--data", "data.csv", "--stratify"], "--stratify needs --target"),
        (["split", "--data", "data.csv", "--group", "a", "--time", "b"], "--group and --time exclude each other"),
        (["predict", "--model", "none", "--data", "data.csv"], "none is no model; expected a folder"),
    ],
)
def test_wrong_calls_get_a_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    generate_mixed_table(20).to_csv(tmp_path / "data.csv")
    assert words in Steps(tmp_path).run_for_error(*arguments)


def test_trouble_that_may_pass_has_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_temporarily(options: object, folder: Path, services: Services) -> None:
        raise StepError("come back later", temporary=True)

    monkeypatch.setattr(split, "run", fail_temporarily)
    lines: list[str] = []
    assert run(["split", "--data", "x"], folder=tmp_path, services=Services(log=lines.append)) == 75
    assert lines == ["mlcraft-step: come back later"]


def test_paths_start_from_the_folder_and_outputs_go_there(tmp_path: Path) -> None:
    """And the process stays where it is."""
    here = Path.cwd()
    (tmp_path / "data").mkdir()
    iris().to_csv(tmp_path / "data" / "iris.csv", index=False)
    Steps(tmp_path).run_checked("split", "--data", "data/iris.csv", "--target", "target", "--stratify")
    assert Path.cwd() == here
    assert {file.name for file in tmp_path.iterdir()} == {"data", "train.parquet", "test.parquet", "record.json"}
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["metrics"] == {"rows_train": 121, "rows_test": 29}
    assert [one["port"] for one in record["datasets"]] == ["train", "test"]


def test_as_a_command(tmp_path: Path) -> None:
    generate_mixed_table().to_csv(tmp_path / "data.csv", index=False)
    command = [sys.executable, "-m", "airflow_mlcraft.steps.command", "split", "--data", "data.csv"]
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout) == (0, "")
    assert good.stderr == "120 rows: 93 for training, 27 for testing (random)\n"
    bad = subprocess.run([*command, "--test-size", "7.5"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert bad.stderr.startswith("mlcraft-step: --test-size is 7.5; expected")
    assert len(bad.stderr.splitlines()) == 1


def test_connections_come_from_the_environment_and_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCRAFT_CONN_MY_STORE", "s3://key:se%2Fcret@host/bucket?region=eu")
    found = connection_from_environment("my-store")
    assert found is not None
    assert (found.login, found.password, found.extra) == ("key", "se/cret", {"region": "eu"})
    assert "cret" not in repr(found) + str(found)
    assert connection_from_environment("other") is None
    assert repr(Connection("postgresql://me:pw@host/db")) == "Connection()"
