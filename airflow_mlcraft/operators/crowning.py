"""What the operators that name a champion share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.operators.assets import model_alias, tell_of_model
from airflow_mlcraft.operators.champion import crown
from airflow_mlcraft.operators.ml_step import MlStepOperator
from airflow_mlcraft.store.values import oid_of


class CrowningOperator(MlStepOperator):
    """Crowns models, and tells Airflow of it by an event of the model's asset."""

    @classmethod
    def args_of(cls, document: str) -> Mapping[str, Any]:
        """The models are known when a run ends; until then an alias stands for them."""
        return {"outlets": [model_alias(document)]}

    def crown(self, name: str, model: Json, *, only_first: bool = False) -> None:
        """Register a model, and make it the champion; with `only_first` only if there is none."""
        if self._run is None or self._context is None:
            return
        crown(name, model, self._run, self.say, only_first=only_first)
        if only_first:
            # Nobody knows by now whether there is another model.
            return
        ti = self._context["ti"]
        extra = {"content": oid_of(model), "dag_id": ti.dag_id, "run_id": ti.run_id}
        tell_of_model(self._context, model_alias(self.document), name, extra)
