"""The fields of the hints that make a step one of the machine-learning kinds."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlcraft.dag.hint_fields import HintField
from airflow_mlcraft.operators.kind_names import KINDS

_REGISTRY = HintField(
    "registry",
    str,
    "Registered model",
    "What the model is called in MLflow's registry; as the document when left out.",
    {"type": "string"},
)
_CROWN = HintField(
    "crown",
    bool,
    "Crown the best",
    "Whether the best model becomes the champion at once, rather than after an approval.",
    {"type": "boolean", "default": True},
)
KIND_FIELDS: Mapping[str, Mapping[str, HintField]] = {
    **{kind: {} for kind in KINDS},
    "Evaluate": {"registry": _REGISTRY, "crown": _CROWN},
    "Approve": {"registry": _REGISTRY},
    "Predict": {"registry": _REGISTRY},
}
