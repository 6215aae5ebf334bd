"""The internal names of each library that its adapter uses, as data. See `adapters/contract.py`."""

from __future__ import annotations

from airflow_mlcraft.adapters.contract import Internal, Library

PROMETHEUS = Library(
    "prometheus-client",
    "airflow_mlcraft/adapters/prometheus.py",
    "0.20 to 0.26",
    (Internal("prometheus_client:values", "the files in which the workers of a server share their numbers"),),
)

LIBRARIES = (PROMETHEUS,)
