"""The tasks that a document becomes: which, mapped or not, and who waits for whom."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, task
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

from airflow_mlcraft import CwlDag, CwlTaskGroup, load_cwl_dags
from airflow_mlcraft.adapters.airflow_core import dag_serialization
from airflow_mlcraft.errors import DocumentError, InputError

pytestmark = pytest.mark.every_airflow

DagSerialization = dag_serialization()

DOCUMENTS = Path(__file__).parents[1] / "documents"
HEAD = """\
cwlVersion: v1.2
class: Workflow
$namespaces: {{mlcraft: "https://mlcraft.dev/cwl#"}}
requirements:
  ScatterFeatureRequirement: {{}}
  SubworkflowFeatureRequirement: {{}}
  InlineJavascriptRequirement: {{}}
{more}
"""
STEP = """\
inputs: {{text: {{type: string, default: x}}}}
outputs: []
steps:
  {name}:
    {more}
    in: {{text: text}}
    out: []
    run:
      class: CommandLineTool
      {tool}
      baseCommand: echo
      inputs: {{text: string}}
      outputs: []
"""


def dag_of(document: str) -> Any:
    dag = CwlDag(DOCUMENTS / document)
    dag.validate()
    DagSerialization.from_dict(DagSerialization.to_dict(dag))
    return dag


def build_dag(
    folder: Path, *, name: str = "say", step: str = "", tool: str = "", workflow: str = "", **dag_args: Any
) -> Any:
    """The DAG of a workflow of one step."""
    path = folder / "written.cwl"
    path.write_text(HEAD.format(more=workflow) + STEP.format(name=name, more=step, tool=tool))
    return CwlDag(path, **dag_args)


def upstream(dag: Any) -> dict[str, set[str]]:
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


def mapped(dag: Any) -> set[str]:
    return {task.task_id for task in dag.tasks if isinstance(task, MappedOperator)}


def mapped_groups(dag: Any) -> set[str]:
    return {name for name, group in dag.task_group_dict.items() if isinstance(group, MappedTaskGroup)}


def test_plain() -> None:
    dag = dag_of("count_lines/count_lines.cwl")
    assert upstream(dag) == {
        "inputs": set(),
        "count": {"inputs"},
        "read": {"inputs", "count"},
        "outputs": {"read", "count"},
    }
    assert mapped(dag) == set()
    assert (dag.dag_id, dag.dag_display_name, dag.schedule, dag.tags) == (
        "count_lines",
        "Count lines",
        None,
        {"cwl", "cwl:workflow"},
    )
    assert dag.description == "Counts the lines of a text."
    assert dag.get_task("count").doc_md == "Counts lines with wc.\n"


def test_scatter() -> None:
    dag = dag_of("scatter.cwl")
    assert mapped(dag) == {"single", "dot", "flat", "nested", "empty", "empty_inside", "computed"}
    assert upstream(dag)["dot.items"] == {"inputs"}
    assert "dot.items" in upstream(dag)["dot"]
    assert {"dot", "dot.items"} <= upstream(dag)["outputs"]


def test_a_scattered_sub_workflow_is_a_mapped_group() -> None:
    dag = dag_of("scatter_subworkflow.cwl")
    assert mapped_groups(dag) == {"each"}
    assert mapped(dag) == set()
    assert {"each.items"} <= upstream(dag)["each.shout"]
    assert {"each.shout"} <= upstream(dag)["each.measure"]
    assert {"each.shout", "each.items"} <= upstream(dag)["join"]
    assert "each.measure" in upstream(dag)["outputs"]


def test_scatters_inside_a_scatter_are_flattened() -> None:
    """Airflow refuses a mapping inside a mapped group."""
    dag = dag_of("scatter_deep.cwl")
    assert mapped_groups(dag) == set()
    assert mapped(dag) == {"outer.middle.inner", "outer.counted"}
    assert upstream(dag)["outer.middle.items"] >= {"outer.items"}
    assert upstream(dag)["outer.middle.inner.items"] >= {"outer.middle.items"}
    assert upstream(dag)["outer.counted"] >= {"outer.middle.inner", "outer.items"}


def test_conditions() -> None:
    dag = dag_of("conditions.cwl")
    assert set(dag.task_group_dict) == {"inside"}
    assert upstream(dag)["inside.first"] == {"inside.inputs"}
    assert upstream(dag)["after"] == {"inputs", "maybe", "always"}
    assert {"inside.second", "inside.inputs", "maybe", "always", "some", "some.items"} <= upstream(dag)["outputs"]
    assert {task.trigger_rule == "none_failed" for task in dag.tasks if task.task_id != "inputs"} == {True}


def test_a_bare_tool() -> None:
    assert upstream(dag_of("echo.cwl")) == {"inputs": set(), "echo": {"inputs"}, "outputs": {"echo"}}


def test_a_step_that_nothing_reads_still_ends_the_run(tmp_path: Path) -> None:
    assert "say" in upstream(build_dag(tmp_path))["outputs"]


@pytest.mark.parametrize("name", ["two words", "größe", "a.b", "inputs", "outputs", "x" * 300])
def test_names_of_steps(tmp_path: Path, name: str) -> None:
    dag = build_dag(tmp_path, name=name)
    (task,) = [task for task in dag.tasks if task.task_type == "CwlStepOperator"]
    assert task.task_display_name == name
    assert len(dag.task_ids) == 3
    dag.validate()


def test_task_hint(tmp_path: Path) -> None:
    hint = (
        "hints: [{class: 'mlcraft:Task', retries: 3, retryDelay: 5, timeout: 60, queue: gpu, pool: big, poolSlots: 2,"
        " priority: 7, owner: ann, maxActive: 1}]"
    )
    task = build_dag(tmp_path, step=hint).get_task("say")
    assert (task.retries, task.retry_delay, task.execution_timeout) == (3, timedelta(seconds=5), timedelta(seconds=60))
    assert (task.queue, task.pool, task.pool_slots, task.priority_weight) == ("gpu", "big", 2, 7)
    assert (task.owner, task.max_active_tis_per_dagrun) == ("ann", 1)


def test_dag_hint(tmp_path: Path) -> None:
    hint = (
        "hints: [{class: 'mlcraft:Dag', schedule: '@daily', startDate: 2024-02-03, catchup: true, tags: [b, a],"
        " owner: ann, maxActiveRuns: 2, maxActiveTasks: 5, retries: 4}]"
    )
    dag = build_dag(tmp_path, workflow=hint)
    assert (dag.schedule, dag.catchup, dag.max_active_runs, dag.max_active_tasks) == ("@daily", True, 2, 5)
    assert dag.start_date is not None and dag.start_date.isoformat().startswith("2024-02-03")
    assert dag.tags == {"a", "b", "cwl", "cwl:workflow"}
    assert (dag.get_task("say").owner, dag.get_task("say").retries) == ("ann", 4)


def test_scheduled_on_assets(tmp_path: Path) -> None:
    dag = build_dag(tmp_path, workflow="hints: [{class: 'mlcraft:Dag', scheduleOn: ['s3://bucket/a']}]")
    assert dag.schedule == [Asset("s3://bucket/a")]


@pytest.mark.parametrize(
    ("place", "hint", "words"),
    [
        ("step", "{class: 'mlcraft:Task', retrys: 3}", ["mlcraft:Task", "say", "retrys", "retries"]),
        ("step", "{class: 'mlcraft:Task', retries: many}", ["mlcraft:Task", "retries", "'many'"]),
        ("step", "{class: 'mlcraft:Task', retryDelay: soon}", ["retryDelay", "'soon'"]),
        (
            "workflow",
            "{class: 'mlcraft:Dag', shedule: '@daily'}",
            ["mlcraft:Dag", "written.cwl", "shedule", "schedule"],
        ),
        ("workflow", "{class: 'mlcraft:Dag', startDate: someday}", ["startDate", "'someday'"]),
        ("workflow", "{class: 'mlcraft:Dag', schedule: now and then}", ["schedule", "now and then", "@daily"]),
    ],
)
def test_wrong_hints(tmp_path: Path, place: str, hint: str, words: list[str]) -> None:
    with pytest.raises(DocumentError) as caught:
        build_dag(tmp_path, **{place: f"hints: [{hint}]"})
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_resources(tmp_path: Path) -> None:
    def count_slots(cores: str) -> int:
        requirement = f"requirements: {{ResourceRequirement: {{{cores}}}}}"
        return int(build_dag(tmp_path, tool=requirement).get_task("say").pool_slots)

    assert [
        count_slots("coresMin: 4"),
        count_slots("coresMin: 1"),
        count_slots("ramMin: 100"),
        count_slots("coresMin: 2.5"),
    ] == [4, 1, 1, 3]
    assert count_slots("coresMin: $(inputs.text.length)") == 1, "nobody knows before it runs"


def test_resources_in_kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kubernetes")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "KubernetesExecutor")
    requirement = "requirements: {ResourceRequirement: {coresMin: 2, ramMin: 512, ramMax: 1024}}"
    pod = build_dag(tmp_path, tool=requirement).get_task("say").executor_config["pod_override"]
    resources = pod.spec.containers[0].resources
    assert (resources.requests, resources.limits) == ({"cpu": "2", "memory": "512Mi"}, {"memory": "1024Mi"})


def test_time_limit(tmp_path: Path) -> None:
    task = build_dag(tmp_path, tool="requirements: {ToolTimeLimit: {timelimit: 30}}").get_task("say")
    assert task.execution_timeout is not None
    assert timedelta(seconds=30) < task.execution_timeout < timedelta(seconds=120), "cwltool has its say first"
    assert build_dag(tmp_path).get_task("say").execution_timeout is None


def test_a_schedule_needs_defaults(tmp_path: Path) -> None:
    assert build_dag(tmp_path, schedule="@daily").schedule == "@daily"
    with pytest.raises(DocumentError, match=r"@daily.*text has none"):
        CwlDag(DOCUMENTS / "count_lines" / "count_lines.cwl", schedule="@daily")


def test_arguments_win(tmp_path: Path) -> None:
    dag = CwlDag(DOCUMENTS / "echo.cwl", dag_id="mine", tags=["x"], max_active_runs=9, default_args={"retries": 2})
    assert (dag.dag_id, dag.max_active_runs, dag.get_task("echo").retries) == ("mine", 9, 2)
    assert "x" in dag.tags


def test_the_form_is_the_dags_alone() -> None:
    """A copy of it in each task would make a large folder slow to parse."""
    dag = dag_of("echo.cwl")
    assert len(dag.params) > 0
    assert not any(task.params for task in dag.tasks)


def test_native_tasks_before_and_after() -> None:
    from airflow.sdk import task

    with CwlDag(DOCUMENTS / "echo.cwl") as dag:

        @task
        def before() -> None: ...

        @task
        def after() -> None: ...

        before() >> dag.first
        dag.last >> after()
    assert upstream(dag)["inputs"] == {"before"}
    assert upstream(dag)["after"] == {"outputs"}


def test_serialized_twice_the_same() -> None:
    for document in ("scatter_deep.cwl", "scatter_subworkflow.cwl", "conditions.cwl", "records.cwl", "files.cwl"):
        assert DagSerialization.to_dict(dag_of(document)) == DagSerialization.to_dict(dag_of(document))


@pytest.mark.parametrize(
    ("hidden", "setting", "made"),
    [("", "True", True), ("", "False", False), ("true", "True", False), ("false", "False", True)],
)
def test_tools_may_be_kept_out_of_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: str, setting: str, made: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TOOL_DAGS", setting)
    documents = tmp_path / "documents"
    documents.mkdir()
    hint = f"hints: [{{class: 'mlcraft:Dag', hidden: {hidden}}}]\n" if hidden else ""
    (documents / "tool.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: 'true'\ninputs: []\noutputs: []\n"
        f'$namespaces: {{mlcraft: "https://mlcraft.dev/cwl#"}}\n{hint}'
    )
    namespace: dict[str, Any] = {}
    load_cwl_dags(namespace, documents)
    assert [dag.dag_id for dag in namespace.values()] == (["tool"] if made else [])
    dag = CwlDag(documents / "tool.cwl", "used")
    assert dag.tags == {"cwl", "cwl:tool"}, "a DAG file may use it all the same"


def group(**inputs: Any) -> CwlTaskGroup:
    with DAG("native", schedule=None):
        return CwlTaskGroup("counted", DOCUMENTS / "echo.cwl", inputs=inputs)


def test_names_of_a_group_are_checked_while_parsing() -> None:
    made = group(word="hi")
    echoed: Any = made.outputs["echoed"]
    assert echoed.key == "echoed"
    with pytest.raises(InputError, match=r"echo.cwl has no output 'ecohed'; it has echoed"):
        made.outputs["ecohed"]
    with pytest.raises(InputError, match=r"echo.cwl has no input 'wrod'; it has word, name"):
        group(wrod="hi")
    with pytest.raises(InputError, match=r"echo.cwl needs the inputs word"):
        group(name="x.txt")


def test_all_outputs_of_a_group_are_a_result_like_any_other() -> None:
    @task
    def report(outputs: Any) -> None: ...

    with DAG("native", schedule=None) as dag:
        report(CwlTaskGroup("counted", DOCUMENTS / "echo.cwl", inputs={"word": "hi"}).outputs)
    stored = DagSerialization.to_dict(dag)
    assert DagSerialization.from_dict(stored).get_task("report").upstream_task_ids == {"counted.outputs"}
