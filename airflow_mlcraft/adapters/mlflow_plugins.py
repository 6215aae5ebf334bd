"""Internals of mlflow: the base classes of its plugins.

mlflow loads plugins while it is itself imported: import `mlflow.data` before this module.
"""

from __future__ import annotations

from typing import Any

from mlflow.data.dataset_source import DatasetSource as MlflowDatasetSource
from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider

__all__ = ["DatasetSource", "DefaultExperimentProvider", "RunContextProvider"]


class DatasetSource(MlflowDatasetSource):
    """The base of a kind of source of data sets; a subclass also has `load`, `to_dict` and `from_dict`."""

    source_type = ""
    """The name of the kind, which mlflow stores with a data set."""

    @classmethod
    def can_parse(cls, raw_source: Any) -> bool:
        """Whether something that a user gives as a source is one of this kind."""
        raise NotImplementedError

    @classmethod
    def parse(cls, raw_source: Any) -> DatasetSource:
        """The source that a user gives."""
        raise NotImplementedError

    @classmethod
    def _get_source_type(cls) -> str:
        return cls.source_type

    @classmethod
    def _can_resolve(cls, raw_source: Any) -> bool:
        return cls.can_parse(raw_source)

    @classmethod
    def _resolve(cls, raw_source: Any) -> DatasetSource:
        return cls.parse(raw_source)
