"""DAGs in their serialized form, which Airflow's DAG processor takes without building them.

The DAG processor only serializes the DAGs of a parse, and stores that. Tasks, commands and callbacks need the DAG
itself, and get it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from airflow.sdk import DAG

from airflow_mlcraft.adapters.airflow_core import dag_serialization
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import MlcraftError

_SET_BY_AIRFLOW = {"fileloc", "relative_fileloc", "last_loaded"}
_CALLBACKS = ("on_success_callback", "on_failure_callback")


class PreserializedDag(DAG):
    """A DAG with its serialized form in place of tasks. It is built when a callback needs one of its tasks."""

    def __init__(self, dag_id: str, build: Callable[[str], DAG], dag_args: Mapping[str, Any]) -> None:
        callbacks = {name: dag_args[name] for name in _CALLBACKS if name in dag_args}
        super().__init__(dag_id, schedule=None, auto_register=False, **callbacks)
        self._build = build
        self._text = b""

    def with_form(self, dag_id: str, text: bytes) -> PreserializedDag:
        """A copy for another DAG with the same callbacks, which is faster than a new object."""
        dag = copy(self)
        dag.__dict__.update(dag_id=dag_id, _text=text, _complete=True)
        return dag

    def serialized_form(self) -> Json:
        """The form, with the present path of the DAG file. For a form that cannot be read, the DAG is built again."""
        try:
            form = json.loads(self._text)
        except ValueError:
            dag = self._build(self.dag_id)
            form = dag_serialization().to_dict(dag)
        form["dag"]["fileloc"] = self.fileloc
        form["dag"]["relative_fileloc"] = self.relative_fileloc
        return form

    def validate(self) -> None:
        """Do nothing: the form comes from a valid DAG."""

    def get_task(self, task_id: str) -> Any:
        """A task of the DAG, which is built for this."""
        return self._build(self.dag_id).get_task(task_id)

    def add_task(self, task: Any) -> None:
        """Raise an error: the form would not have the task."""
        raise self._immutable_error()

    def __enter__(self) -> PreserializedDag:
        raise self._immutable_error()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _SET_BY_AIRFLOW and self.__dict__.get("_complete"):
            raise self._immutable_error()
        super().__setattr__(name, value)

    def _immutable_error(self) -> MlcraftError:
        return MlcraftError(
            f"the DAG {self.dag_id} of load_cwl_dags cannot be changed in the DAG file; give what all its DAGs are to "
            f"have as arguments of load_cwl_dags, or write CwlDag(document) for a DAG with tasks of your own"
        )
