"""Ids that Airflow takes, for any name."""

from __future__ import annotations

import itertools

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TaskGroup

from airflow_mlcraft.layout.tasks import MAX_TASK_ID_LENGTH, TaskIds

STRANGE = [
    "two words",
    "a#b",
    "a/b",
    "ümläut",
    "步骤",
    "☃",
    "",
    ".",
    "..",
    "-",
    "_",
    "a.b",
    "a:b",
    "a'b\"c",
    "x\ny",
    "Ärger",
    "count",
    "Count",
    "COUNT",
    "inputs",
    "outputs",
    "a_b",
    "a b",
    "a__b",
    "x" * 250,
    "x" * 251,
    "x" * 252,
    "ü" * 300,
    "x" * 500 + "y",
    "x" * 500 + "z",
    "__",
    "1",
    "a" + " " * 20 + "b",
]


def ids_of(names: list[str], prefix: str = "") -> list[str]:
    ids = TaskIds(prefix)
    return [ids.task(name) for name in names]


def test_airflow_takes_them_all() -> None:
    with DAG("strange") as dag:
        for task_id in ids_of(STRANGE):
            EmptyOperator(task_id=task_id)
    assert len(dag.task_ids) == len(STRANGE)
    dag.validate()


def test_unique_whatever_their_case() -> None:
    made = [task_id.lower() for task_id in ids_of(STRANGE)]
    assert len(set(made)) == len(made)


def test_plain_names_stay() -> None:
    assert ids_of(["count", "a-b", "a.b", "_x1"]) == ["count", "a-b", "a.b", "_x1"]


def test_stable() -> None:
    assert ids_of(STRANGE) == ids_of(STRANGE)
    assert ids_of(["two words"]) == ids_of(["other", "two words"])[1:]


def test_what_can_be_kept_is_kept() -> None:
    (made,) = ids_of(["two words"])
    assert made.startswith("two_words_")


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_deep_groups_leave_room(depth: int) -> None:
    """Ids of tasks count with those of all groups around them."""
    with DAG("deep") as dag, _Nested(depth, "a workflow with a name of many words " * 3) as prefix:
        ids = TaskIds(prefix)
        for name in STRANGE:
            EmptyOperator(task_id=ids.task(name))
    assert len(dag.task_ids) == len(STRANGE)
    assert max(map(len, dag.task_ids)) <= MAX_TASK_ID_LENGTH


class _Nested:
    def __init__(self, depth: int, name: str):
        self.groups: list[TaskGroup] = []
        self.depth, self.name, self.prefix = depth, name, ""

    def __enter__(self) -> str:
        for _ in range(self.depth):
            group = TaskGroup(TaskIds(self.prefix).group(self.name))
            group.__enter__()
            self.groups.append(group)
            self.prefix = group.child_id("")
        return self.prefix

    def __exit__(self, *problem: object) -> None:
        for group in reversed(self.groups):
            group.__exit__(None, None, None)


def test_groups_have_no_dots() -> None:
    ids = TaskIds()
    groups = [ids.group(name) for name in ("a.b", "a_b", "a b")]
    assert len(set(groups)) == 3
    assert not any("." in group for group in groups)


def test_many_names_that_come_to_the_same() -> None:
    names = ["".join(letters) for letters in itertools.product("aA", repeat=5)]
    made = ids_of(names)
    assert len({task_id.lower() for task_id in made}) == len(names)
