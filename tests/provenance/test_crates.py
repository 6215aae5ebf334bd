"""Tests of the crates of real runs: their entities, and their acceptance by a validator."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.operators.embedded import DOCUMENTS, CommandResult, fork_server

VALIDATE = Path(__file__).with_name("validate.py")
RUNS: dict[str, tuple[str, Any]] = {
    "two steps": ("count_lines/count_lines.cwl", DOCUMENTS / "count_lines" / "job.yml"),
    "scatter": ("scatter.cwl", {}),
    "deep": ("scatter_deep.cwl", {}),
    "sub-workflow": ("scatter_subworkflow.cwl", {}),
    "skipped": ("conditions.cwl", {}),
    "fails": ("flaky.cwl", {"flag": "/no/such/folder/flag", "code": 5}),
    "fails at once": ("count_lines/count_lines.cwl", {}),
    "files": (
        "files.cwl",
        {"text": {"class": "File", "path": "in/a.txt"}, "folder": {"class": "Directory", "path": "in"}},
    ),
    "packed": ("packed.cwl", {"word": "hello"}),
    "tool": ("records.cwl", {"friend": {"name": "Ann", "age": 3}, "likes": "red", "numbers": [1, 2]}),
}
VALID = [
    ("two steps", "provenance-run-crate"),
    ("scatter", "provenance-run-crate"),
    ("deep", "provenance-run-crate"),
    ("sub-workflow", "provenance-run-crate"),
    ("skipped", "provenance-run-crate"),
    ("fails", "provenance-run-crate"),
    ("fails at once", "workflow-run-crate"),
    ("files", "provenance-run-crate"),
    ("packed", "provenance-run-crate"),
    ("tool", "process-run-crate"),
]


@dataclass
class Crate:
    """A crate loaded from disk."""

    folder: Path
    result: CommandResult
    entities: dict[str, dict[str, Any]]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: entity for name, entity in self.entities.items() if kind in to_list(entity["@type"])}

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.entities[name]


def to_list(value: Any) -> list[Any]:
    """Return the values of a property as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def ids(value: Any) -> list[str]:
    """Return the ids of the entities that a property refers to."""
    return [reference["@id"] for reference in to_list(value)]


def record_crate(folder: Path, document: str | Path, job: Any, **options: Any) -> Crate:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "a.txt").write_text("text\n")
    (folder / "in" / "a.txt.idx").write_text("index\n")
    (folder / "in" / "only.txt").write_text("only\n")
    if not isinstance(job, Path):
        (folder / "job.json").write_text(json.dumps(job))
        job = folder / "job.json"
    said = fork_server().command(
        "mlcraft-cwl-runner", "--no-container", "--outdir", "out", "--provenance", "crate",
        DOCUMENTS / document, job, folder=folder, **options,
    )  # fmt: skip
    metadata = json.loads((folder / "crate" / "ro-crate-metadata.json").read_text())
    names = [entity["@id"] for entity in metadata["@graph"]]
    assert len(names) == len(set(names))
    return Crate(folder / "crate", said, {entity["@id"]: entity for entity in metadata["@graph"]})


@pytest.fixture(scope="module")
def crate_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Crate]:
    """Return a function that gives the crate of one of the runs above, each created once."""
    made: dict[str, Crate] = {}

    def get(name: str) -> Crate:
        if name not in made:
            made[name] = record_crate(tmp_path_factory.mktemp(name.replace(" ", "-")), *RUNS[name])
        return made[name]

    return get


@pytest.fixture(scope="module")
def verdicts(crate_of: Callable[[str], Crate], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The results of the validator for each crate, and for an invalid one."""
    if find_spec("rocrate_validator") is None:
        pytest.skip("roc-validator is not installed")
    folders = {name: crate_of(name).folder for name in RUNS}
    folders["broken"] = tmp_path_factory.mktemp("broken") / "crate"
    shutil.copytree(folders["two steps"], folders["broken"])
    metadata = folders["broken"] / "ro-crate-metadata.json"
    metadata.write_text(metadata.read_text().replace('"HowToStep"', '"HowTo"'))
    said = subprocess.run([sys.executable, VALIDATE, *folders.values()], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    answers = json.loads(said.stdout)
    return {name: answers[str(folder)] for name, folder in folders.items()}


@pytest.mark.parametrize(("name", "profile"), VALID)
def test_a_validator_accepts_it(verdicts: dict[str, Any], name: str, profile: str) -> None:
    assert verdicts[name] == {"profiles": [f"{profile}-0.5"], "issues": []}


def test_the_validator_would_find_a_mistake(verdicts: dict[str, Any]) -> None:
    assert any("HowToStep" in issue for issue in verdicts["broken"]["issues"])


@pytest.mark.parametrize("name", RUNS)
def test_it_is_whole(crate_of: Callable[[str], Crate], name: str) -> None:
    crate = crate_of(name)
    terms = {term for context in json.loads(VALIDATE.with_name("contexts.json").read_text()).values()
             for term in context["@context"]}  # fmt: skip
    for entity in crate.entities.values():
        assert {key for key in entity if not key.startswith("@")} | set(to_list(entity["@type"])) <= terms
        for key, value in entity.items():
            if key not in ("conformsTo", "identifier", "url", "@type", "@id"):
                references = [item["@id"] for item in to_list(value) if isinstance(item, dict)]
                assert set(references) <= set(crate.entities), f"{entity['@id']} {key}"
    listed = {unquote(part) for part in ids(crate["./"]["hasPart"])}
    data = crate.of_type("File").keys() | (crate.of_type("Dataset").keys() - {"./"})
    assert listed == {unquote(part) for part in data}
    for part in listed:
        assert (crate.folder / part).exists()
    written = (crate.folder / "ro-crate-metadata.json").read_text()
    assert str(crate.folder.parent) not in written
    assert str(Path.home()) not in written.replace(str(DOCUMENTS), "")


def test_two_steps(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("two steps")
    main, run = crate["workflow/count_lines.cwl"], crate["#run"]
    assert ids(crate["./"]["mainEntity"]) == ["workflow/count_lines.cwl"]
    assert {"File", "ComputationalWorkflow", "HowTo"} <= set(main["@type"])
    assert ids(main["hasPart"]) == ["workflow/tools/count.cwl", "workflow/tools/read.cwl"]
    steps = [crate[step] for step in ids(main["step"])]
    assert [(step["name"], step["position"]) for step in steps] == [("count", "0"), ("read", "1")]
    assert [ids(step["workExample"])[0] for step in steps] == ids(main["hasPart"])
    source = (DOCUMENTS / "count_lines" / "count_lines.cwl").read_text()
    assert (crate.folder / "workflow" / "count_lines.cwl").read_text() == source

    assert run["actionStatus"].endswith("CompletedActionStatus")
    assert run["startTime"] <= crate["#run/count"]["startTime"] <= crate["#run/count"]["endTime"] <= run["endTime"]
    assert ids(run["instrument"]) == ["workflow/count_lines.cwl"]
    assert crate[ids(run["result"])[0]]["value"] == 3
    between = crate[ids(crate["#run/count"]["result"])[0]]
    assert ids(crate["#run/read"]["object"]) == [between["@id"]]
    assert "workflow/tools/read.cwl#inputs/file" in ids(between["exampleOfWork"])
    content = (crate.folder / between["@id"]).read_bytes()
    assert (between["md5"], between["contentSize"]) == (hashlib.md5(content).hexdigest(), str(len(content)))
    assert between["encodingFormat"] == "text/plain"

    engine = crate["#engine"]
    assert engine["@type"] == "OrganizeAction" and ids(engine["result"]) == ["#run"]
    assert [ids(crate[step]["object"]) for step in ids(engine["object"])] == [["#run/count"], ["#run/read"]]
    software = crate[ids(engine["instrument"])[0]]
    assert {crate[part]["name"] for part in ids(software["softwareRequirements"])} == {"Apache Airflow", "cwltool"}
    connection = crate[ids(steps[1]["connection"])[0]]
    assert ids(connection["sourceParameter"]) == ["workflow/tools/count.cwl#outputs/printed"]
    assert ids(connection["targetParameter"]) == ["workflow/tools/read.cwl#inputs/file"]


def test_scatter_has_an_action_for_each_item(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("scatter")
    assert ids(crate["#step/nested"]["object"]) == [f"#run/nested/{n}" for n in range(6)]
    assert "#step/empty" not in crate.entities
    right = [crate[f"#inputs:run/computed/{n}:right"]["value"] for n in range(2)]
    assert right == ["2a", "2b"]
    assert crate["#outputs:run/computed/1:joined"]["value"] == "bb-2b"
    parameter = crate["workflow/scatter.cwl#inputs/letters"]
    assert (parameter["additionalType"], parameter["multipleValues"], parameter["valueRequired"]) == (
        "Text",
        True,
        False,
    )


def test_long_scatter_runs_in_chunks(tmp_path: Path) -> None:
    crate = record_crate(tmp_path, "scatter.cwl", {}, env={"AIRFLOW__CORE__MAX_MAP_LENGTH": "2"})
    assert [crate[f"#outputs:run/flat/{n}:joined"]["value"] for n in range(6)] == [
        f"{left}-{right}" for left in "ab" for right in "xyz"
    ]


def test_sub_workflow_is_a_workflow_of_its_own(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("sub-workflow")
    inner = "workflow/scatter_subworkflow.cwl#steps/each/run"
    assert set(crate[inner]["@type"]) == {"SoftwareSourceCode", "ComputationalWorkflow", "HowTo"}
    # The item that its condition left out is not there.
    assert ids(crate["#step/each"]["object"]) == ["#run/each/0", "#run/each/2"]
    assert ids(crate["#run/each/2"]["instrument"]) == [inner]
    assert ids(crate["#run/each/2/shout"]["result"]) == ids(crate["#run/each/2/measure"]["object"])
    assert ids(crate["#step/each/2/measure"]["object"]) == ["#run/each/2/measure"]


def test_skipped_steps_have_no_action(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("skipped")
    assert "workflow/conditions.cwl#steps/maybe" in ids(crate["workflow/conditions.cwl"]["step"])
    assert not {"#run/maybe", "#run/inside", "#run/some/1", "#step/maybe", "#step/inside"} & set(crate.entities)
    assert crate["#outputs:run:either"]["value"] == "said always"


def test_failure_is_told(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("fails")
    assert crate.result.code == 1
    for name in ("#run", "#run/flaky", "#step/flaky", "#engine"):
        assert crate[name]["actionStatus"].endswith("FailedActionStatus")
    assert "exit code 5" in crate["#run/flaky"]["error"]
    assert "#run/after" not in crate.entities and "result" not in crate["#run"]
    assert len(ids(crate["workflow/flaky.cwl"]["step"])) == 2


def test_inputs_that_were_refused(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("fails at once")
    assert "text" in crate["#run"]["error"]
    assert not crate.of_type("ControlAction")


def test_files_and_folders(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("files")
    pair, folder = (crate[name] for name in ids(crate["#run"]["object"]))
    assert pair["@type"] == "Collection" and pair["@id"] in ids(crate["./"]["mentions"])
    assert [Path(part).name for part in ids(pair["hasPart"])] == ["a.txt", "a.txt.idx"]
    assert len({Path(part).parent for part in ids(pair["hasPart"])}) == 1
    assert "Collection" in crate["workflow/files.cwl#inputs/text"]["additionalType"]
    assert folder["@type"] == "Dataset" and folder["md5"].endswith(".dir")
    assert (crate.folder / folder["@id"] / "a.txt").read_text() == "text\n"


DEFAULTS = """
cwlVersion: v1.2
class: Workflow
inputs: {given: {type: File, default: {class: File, location: mine.txt}}}
outputs: {given: {type: File, outputSource: given}}
steps:
  look:
    in: {one: {default: {class: File, location: mine.txt}}}
    out: []
    run:
      class: CommandLineTool
      baseCommand: cat
      inputs:
        one: {type: File, inputBinding: {}}
        two: {type: File, inputBinding: {}, default: {class: File, location: mine.txt}}
      outputs: {}
"""


def test_files_that_the_document_brings_along(tmp_path: Path) -> None:
    (tmp_path / "defaults.cwl").write_text(DEFAULTS)
    (tmp_path / "mine.txt").write_text("mine\n")
    crate = record_crate(tmp_path, tmp_path / "defaults.cwl", {})
    assert ids(crate["#run/look"]["object"]) == ids(crate["#run"]["object"]) == ids(crate["#run"]["result"])
    assert len(ids(crate[ids(crate["#run"]["object"])[0]]["exampleOfWork"])) == 4


def test_records_are_properties_of_properties(crate_of: Callable[[str], Crate]) -> None:
    crate = crate_of("tool")
    values = {crate[name]["name"]: crate[name]["value"] for name in ids(crate["#run"]["object"])}
    assert (values["likes"], values["numbers"]) == ("red", [1, 2])
    assert {crate[part]["name"]: crate[part]["value"] for part in ids(values["friend"])} == {
        "friend/name": "Ann",
        "friend/age": 3,
    }
    assert crate["workflow/records.cwl#inputs/likes"]["valuePattern"] == "red|green"


LOGIN = """
cwlVersion: v1.2
class: Workflow
$namespaces: {cwltool: "http://commonwl.org/cwltool#", s: "https://schema.org/"}
s:license: https://spdx.org/licenses/Apache-2.0
hints: {"cwltool:Secrets": {secrets: [password]}}
inputs: {password: string}
outputs: {}
steps:
  use:
    in: {password: password}
    out: []
    run:
      class: CommandLineTool
      baseCommand: [sh, -c, 'echo "$0" >&2; exit 1']
      inputs: {password: {type: string, inputBinding: {}}}
      outputs: {}
"""


def test_secrets_stay_secret(tmp_path: Path) -> None:
    (tmp_path / "secret.cwl").write_text(LOGIN)
    crate = record_crate(tmp_path, tmp_path / "secret.cwl", {"password": "hunter-2"})
    assert "hunter-2" not in (crate.folder / "ro-crate-metadata.json").read_text()
    assert ids(crate["./"]["license"]) == ["https://spdx.org/licenses/Apache-2.0"]


def test_whoever_ran_it_may_say_so(tmp_path: Path) -> None:
    orcid = "0000-0002-1825-0097"
    crate = record_crate(
        tmp_path, "packed.cwl", {"word": "hi"}, env={"ORCID": orcid, "CWL_FULL_NAME": "Josiah Carberry"}
    )
    person = crate[f"https://orcid.org/{orcid}"]
    assert (person["@type"], person["name"]) == ("Person", "Josiah Carberry")
    assert ids(crate["#run"]["agent"]) == [person["@id"]]


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "crate").mkdir()
    (tmp_path / "crate" / "mine.txt").write_text("mine")
    for command in (["mlcraft", "cwl", "run"], ["mlcraft-cwl-runner"]):
        said = fork_server().command(*command, "--provenance", "crate", DOCUMENTS / "scatter.cwl", folder=tmp_path)
        assert said.code == 1
        assert "crate is not empty; the provenance of a run goes into a folder that is new or empty" in said.err
    assert [path.name for path in (tmp_path / "crate").iterdir()] == ["mine.txt"]


def test_mlcraft_cwl_run_writes_one_too(tmp_path: Path) -> None:
    said = fork_server().command(
        "mlcraft", "cwl", "run", DOCUMENTS / "conditions.cwl", "--provenance", "new", folder=tmp_path
    )
    assert said.json()["either"] == "said always"
    assert (tmp_path / "new" / "ro-crate-metadata.json").is_file()
