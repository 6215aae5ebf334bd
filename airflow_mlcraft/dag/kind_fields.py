"""The fields of the hints that make a step one of the machine-learning kinds."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlcraft.dag.hint_fields import HintField, to_flag, to_text
from airflow_mlcraft.operators.kind_names import KINDS

_REGISTRY = HintField(
    "registry",
    to_text,
    "Registered model",
    "What the model is called in MLflow's registry; as the document when left out.",
    {"type": "string"},
)
_CROWN = HintField(
    "crown",
    to_flag,
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
