"""The experiment of the task's run, for runs that the user's own code makes. MLflow finds this by its entry point."""

from __future__ import annotations

import os

from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider

from airflow_mlcraft.tracking.parent_run import NOTE, parent_run


class TaskExperiment(DefaultExperimentProvider):
    """The same experiment as that of the run above, without which MLflow's pages would not show it there."""

    def in_context(self) -> bool:
        """Whether a tracked task is running here."""
        return NOTE in os.environ and "experiment_id" in parent_run()

    def get_experiment_id(self) -> str:
        """The experiment's id."""
        return parent_run()["experiment_id"]
