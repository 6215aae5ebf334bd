"""`mlcraft cwl`: validate, show, run, import."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft import __version__
from airflow_mlcraft.dag.import_folder import write_dag_files
from airflow_mlcraft.errors import MlcraftError
from tests.operators.embedded import DOCUMENTS, CommandResult, fork_server, names_and_texts

COUNT = DOCUMENTS / "count_lines" / "count_lines.cwl"
CLASSIFICATION = Path(__file__).parents[2] / "cwl" / "workflows" / "classification.cwl"
MISSPELT = DOCUMENTS / "broken" / "misspelt_field.cwl"


def cwl(folder: Path, *arguments: str | Path, **options: Any) -> CommandResult:
    return fork_server().command("mlcraft", "cwl", *arguments, folder=folder, **options)


def test_validate(tmp_path: Path) -> None:
    result = cwl(tmp_path, "validate", COUNT, DOCUMENTS / "echo.cwl")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        f"{COUNT}: Workflow v1.2, 2 steps, 1 inputs, 2 outputs",
        f"{DOCUMENTS / 'echo.cwl'}: CommandLineTool v1.2, 2 inputs, 1 outputs",
    ]


def test_validate_what_is_broken(tmp_path: Path) -> None:
    result = cwl(tmp_path, "validate", MISSPELT, COUNT)
    assert result.code == 1
    assert result.err.startswith(f"{MISSPELT}:3:1: invalid field 'baseComand'")
    assert result.out.startswith(f"{COUNT}: Workflow")


def test_validate_a_folder_as_json(tmp_path: Path) -> None:
    result = cwl(tmp_path, "validate", "--json", DOCUMENTS / "broken")
    found = {Path(entry["document"]).name: entry["error"] for entry in json.loads(result.out)}
    assert result.code == 1
    assert len(found) == len(list((DOCUMENTS / "broken").iterdir()))
    assert found["misspelt_field.cwl"]["line"] == 3
    assert found["misspelt_field.cwl"]["path"] == str(MISSPELT)
    assert all(error["message"] for error in found.values())


def test_a_misspelt_model_is_refused_before_a_run(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("models: [random_forest, naive_bays]\n")
    result = cwl(tmp_path, "run", CLASSIFICATION, "job.yml")
    sentence = "input 'models' of classification.cwl is 'naive_bays'; did you mean 'naive_bayes'?"
    assert (result.code, result.out) == (1, "")
    assert sentence in result.err
    assert "inputs" not in result.err.replace(sentence, ""), "no task has run"


def test_show(tmp_path: Path) -> None:
    assert "count" in cwl(tmp_path, "show", COUNT).out
    assert cwl(tmp_path, "show", COUNT, "--format", "mermaid").out.startswith(("flowchart", "graph", "---"))
    assert "<svg" in cwl(tmp_path, "show", COUNT, "-f", "svg").out
    plan = cwl(tmp_path, "show", COUNT, "--json").json()
    assert [step["id"] for step in plan["root"]["steps"]] == ["count", "read"]


def test_show_into_a_file(tmp_path: Path) -> None:
    result = cwl(tmp_path, "show", COUNT, "--out", "drawn.svg")
    assert (result.code, result.out) == (0, "")
    assert "<svg" in (tmp_path / "drawn.svg").read_text()
    assert "drawn.svg" in result.err
    cwl(tmp_path, "show", COUNT, "-o", "drawn.mmd")
    assert "count" in (tmp_path / "drawn.mmd").read_text()


def test_run(tmp_path: Path) -> None:
    job = DOCUMENTS / "count_lines" / "job.yml"
    outputs = cwl(tmp_path, "run", COUNT, job, "--outdir", "out", "--quiet").json()
    assert names_and_texts(outputs) == {"count": 3, "printed": ["count.txt", "3\n"]}
    assert (tmp_path / "out" / "count.txt").exists()


def test_run_with_a_job_on_standard_input(tmp_path: Path) -> None:
    outputs = cwl(tmp_path, "run", DOCUMENTS / "echo.cwl", "-", stdin="word: ü\n").json()
    assert names_and_texts(outputs) == {"echoed": ["echoed.txt", "ü\n"]}


@pytest.mark.parametrize("into", ["dags/cwl_dags.py", "far/away/dags/mine.py"])
def test_import(tmp_path: Path, into: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(DOCUMENTS / "count_lines", tmp_path / "cwl" / "count_lines")
    result = cwl(tmp_path, "import", "cwl", "--into", into)
    assert result.code == 0, result.err
    assert [line.split()[0] for line in result.out.splitlines()] == [
        "count_lines.count_lines",
        "count_lines.tools.count",
        "count_lines.tools.read",
    ]
    again = cwl(tmp_path, "import", "cwl", "--into", into)
    assert again.code == 0
    monkeypatch.chdir("/")
    made = runpy.run_path(str(tmp_path / into))
    assert "cwl_dag_count_lines.count_lines" in made
    text = (tmp_path / into).read_text()
    assert "dag" in text and "airflow" in text, "Airflow passes over files without these words"


def test_import_as_json_with_a_broken_document(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "echo.cwl", tmp_path)
    shutil.copy(MISSPELT, tmp_path)
    result = cwl(tmp_path, "import", "--json", ".")
    assert result.code == 1
    echo, misspelt = json.loads(result.out)
    assert (echo["dag_id"], echo["error"]) == ("echo", None)
    assert "baseComand" in misspelt["error"]


def test_import_mends_a_damaged_cache(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "echo.cwl", tmp_path)
    environment = {"AIRFLOW__MLCRAFT__CACHE": str(tmp_path / ".cache")}
    assert cwl(tmp_path, "import", ".", env=environment).code == 0
    tools = list((tmp_path / ".cache" / "tools").iterdir())
    sizes = [tool.stat().st_size for tool in tools]
    for tool in tools:
        tool.write_text("{")
    assert cwl(tmp_path, "import", ".", env=environment).code == 0
    assert [tool.stat().st_size for tool in tools] == sizes


def test_import_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("mine = 1\n")
    result = cwl(tmp_path, "import", ".", "--into", "mine.py")
    assert result.code == 1 and "mine.py is there already" in result.err
    assert (tmp_path / "mine.py").read_text() == "mine = 1\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["validate", "gone.cwl"], 1, "gone.cwl"),
        (["show", "gone.cwl"], 1, "there is no document gone.cwl"),
        (["show", MISSPELT], 1, "baseComand"),
        (["show", COUNT, "-f", "pdf"], 2, "pdf"),
        (["show", COUNT, "-o", "no/such/folder/drawn.svg"], 1, "no/such/folder"),
        (["run", "gone.cwl"], 1, "there is no document gone.cwl"),
        (["run", COUNT, "gone.yml"], 1, "there is no job file gone.yml"),
        (["run", COUNT], 1, "input 'text' (File) of count_lines.cwl is missing"),
        (["run", MISSPELT], 1, "misspelt_field.cwl:3:1"),
        (["run", DOCUMENTS / "echo.cwl", "-"], 1, "word"),
        (["run", DOCUMENTS / "tools" / "needs_container.cwl", "--containers", "never"], 1, "requires the container"),
        (["run", DOCUMENTS / "echo.cwl", "--containers", "maybe"], 2, "maybe"),
        (["import", "gone"], 2, "gone"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: list[Any], code: int, words: str) -> None:
    result = cwl(tmp_path, *arguments)
    assert (result.code, result.out) == (code, ""), result.err
    assert words in result.err
    assert "Traceback" not in result.err


def test_validate_goes_on_after_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = cwl(tmp_path, "validate", "gone.cwl", COUNT)
    assert result.code == 1
    assert "gone.cwl" in result.err and "Workflow" in result.out


def test_version(tmp_path: Path) -> None:
    assert fork_server().command("mlcraft", "--version", folder=tmp_path).out == f"mlcraft {__version__}\n"


def test_a_packed_document_without_a_main_process(tmp_path: Path) -> None:
    (tmp_path / "cwl").mkdir()
    packed = shutil.copy(DOCUMENTS / "wild" / "several" / "packed_tools.cwl", tmp_path / "cwl")
    result = cwl(tmp_path, "validate", packed)
    assert (result.code, result.out.count("CommandLineTool")) == (0, 2)
    imported = cwl(tmp_path, "import", "--json", "cwl").json()
    assert [entry["dag_id"] for entry in imported] == ["packed_tools.one", "packed_tools.two"]
    assert "#main" in cwl(tmp_path, "run", packed).err


def test_composer_form(tmp_path: Path) -> None:
    result = cwl(tmp_path, "composer-form", COUNT, "--out", "form")
    assert result.code == 0, result.err
    assert sorted(path.name for path in (tmp_path / "form").rglob("*.cwl")) == [
        "count.cwl",
        "count_lines.cwl",
        "read.cwl",
    ]
    assert f"wrote {Path('form') / 'count_lines.cwl'}" in result.err
    assert cwl(tmp_path, "validate", "form/count_lines.cwl").code == 0


def test_composer_form_on_the_screen(tmp_path: Path) -> None:
    result = cwl(tmp_path, "composer-form", COUNT)
    assert result.out.startswith("cwlVersion: v1.0\nclass: Workflow\nid: count_lines\n")
    assert "and 2 files of tools; --out FOLDER writes all" in result.err
    files = cwl(tmp_path, "composer-form", COUNT, "--json").json()["files"]
    assert next(iter(files)) == "count_lines.cwl" and len(files) == 3


def test_composer_form_that_would_lose_something(tmp_path: Path) -> None:
    result = cwl(tmp_path, "composer-form", DOCUMENTS / "conditions.cwl", "--out", "form")
    assert (result.code, result.out) == (1, "")
    assert f"{DOCUMENTS / 'conditions.cwl'}:27:5: when of the step maybe" in result.err
    assert not (tmp_path / "form").exists()


def test_composer_form_in_place(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "echo.cwl", tmp_path)
    result = cwl(tmp_path, "composer-form", "echo.cwl", "--out", ".")
    assert result.code == 1 and "echo.cwl itself would be replaced" in result.err
    assert (tmp_path / "echo.cwl").read_text() == (DOCUMENTS / "echo.cwl").read_text()
    assert "there is no document gone.cwl" in cwl(tmp_path, "composer-form", "gone.cwl").err


def test_a_folder_too_large_for_one_dag_file_is_shared_out(tmp_path: Path) -> None:
    (first, *others) = write_dag_files(tmp_path / "cwl", tmp_path / "dags" / "mine.py", 3001)
    assert [path.name for path in (first, *others)] == ["mine_1.py", "mine_2.py", "mine_3.py"]
    assert first.read_text().endswith("load_cwl_dags(globals(), '../cwl', part=(1, 3))\n")
    assert write_dag_files(tmp_path / "cwl", tmp_path / "dags" / "mine.py", 3001) == [first, *others]
    (tmp_path / "dags" / "mine.py").touch()
    with pytest.raises(MlcraftError, match="3001 documents are too many for .*mine.py alone; remove it"):
        write_dag_files(tmp_path / "cwl", tmp_path / "dags" / "mine.py", 3001)
