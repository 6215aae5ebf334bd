"""DAGs that are handed to Airflow's DAG processor in their serialized form, so that a parse need not build them.

The DAG processor asks a parse for nothing else: it serializes each DAG and stores that. A task, a command and a
callback need the DAG itself, and get it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from airflow.sdk import DAG

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import MlcraftError

_SET_BY_AIRFLOW = {"fileloc", "relative_fileloc", "last_loaded"}
_CALLBACKS = ("on_success_callback", "on_failure_callback")


class StoredDag(DAG):
    """A DAG that is known by its serialized form; it is built when a callback asks for one of its tasks."""

    def __init__(self, dag_id: str, build: Callable[[str], DAG], dag_args: Mapping[str, Any]) -> None:
        callbacks = {name: dag_args[name] for name in _CALLBACKS if name in dag_args}
        super().__init__(dag_id, schedule=None, auto_register=False, **callbacks)
        self._build = build
        self._text = b""

    def with_form(self, dag_id: str, text: bytes) -> StoredDag:
        """Another DAG with the same callbacks; a fraction of the work of making one."""
        dag = copy(self)
        dag.__dict__.update(dag_id=dag_id, _text=text, _complete=True)
        return dag

    def stored_form(self) -> Json:
        """The form, with where the DAG file is now. A form that cannot be read is made anew."""
        try:
            form = json.loads(self._text)
        except ValueError:
            dag = self._build(self.dag_id)
            form = dag_serialization().to_dict(dag)
        form["dag"]["fileloc"] = self.fileloc
        form["dag"]["relative_fileloc"] = self.relative_fileloc
        return form

    def validate(self) -> None:
        """Nothing to do: the form comes from a DAG that was valid."""

    def get_task(self, task_id: str) -> Any:
        """A task of the DAG, which is built for it."""
        return self._build(self.dag_id).get_task(task_id)

    def add_task(self, task: Any) -> None:
        """Refuse: the form would not have the task."""
        raise self._not_changed_here()

    def __enter__(self) -> StoredDag:
        raise self._not_changed_here()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _SET_BY_AIRFLOW and self.__dict__.get("_complete"):
            raise self._not_changed_here()
        super().__setattr__(name, value)

    def _not_changed_here(self) -> MlcraftError:
        return MlcraftError(
            f"the DAG {self.dag_id} of load_cwl_dags cannot be changed in the DAG file; give what all its DAGs are to "
            f"have as arguments of load_cwl_dags, or write CwlDag(document) for a DAG with tasks of your own"
        )


def take_stored_forms() -> None:
    """Have Airflow's serialization take the form of a `StoredDag` as it is, in this process."""
    serialization: Any = dag_serialization()
    if getattr(serialization.to_dict, "takes_stored_forms", False):
        return
    serialize = serialization.to_dict

    def to_dict(dag: Any) -> Any:
        return dag.stored_form() if isinstance(dag, StoredDag) else serialize(dag)

    to_dict.takes_stored_forms = True  # type: ignore[attr-defined]
    serialization.to_dict = staticmethod(to_dict)


def dag_serialization() -> Any:
    """The class of Airflow's that serializes DAGs."""
    from airflow.serialization import serialized_objects

    # Airflow 3.2 took the work of (de)serializing out of the class SerializedDAG.
    return getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG  # type: ignore[attr-defined]


def has_policies() -> bool:
    """Whether cluster policies change or refuse DAGs and tasks; they need the DAG with its tasks."""
    from airflow import settings

    manager = getattr(settings, "get_policy_plugin_manager", None)
    if manager is None:
        return True
    hook = manager().hook
    return bool(hook.dag_policy.get_hookimpls() or hook.task_policy.get_hookimpls())
