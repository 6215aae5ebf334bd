"""Classes in model files that have since moved: the names they were stored under, and their present names.

A class whose objects are part of fitted models gets a line here when it moves or is renamed. Pairs are exact, so that
an old module's name stands for nothing else, and types are trusted or refused under their present names.
"""

from __future__ import annotations

MOVED_TYPES = {
    ("airflow_mlcraft.ml.parts", "DateParts"): ("airflow_mlcraft.ml.date_features", "DateParts"),
    ("airflow_mlcraft.ml.parts", "FreeText"): ("airflow_mlcraft.ml.date_features", "FreeText"),
    ("airflow_mlcraft.ml.parts", "Truth"): ("airflow_mlcraft.ml.date_features", "Truth"),
}
"""Module and class as earlier versions stored them, each with the present module and class."""
