"""One document is one version of its DAG, whatever the order of Python's sets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DOCUMENTS = Path(__file__).parents[1] / "documents"
SCRIPT = """
import os, sys
from airflow_mlcraft.adapters.airflow_core import dag_serialization
from airflow_mlcraft import CwlDag
from airflow.models.serialized_dag import SerializedDagModel

for fuse in ("hinted", "all"):
    os.environ["AIRFLOW__MLCRAFT__FUSE"] = fuse
    for document in sys.argv[1:]:
        data = dag_serialization().to_dict(CwlDag(document, dag_id="d"))
        print(SerializedDagModel.hash(data))
"""


def hash_dags(folder: Path, seed: int) -> list[str]:
    """The hash by which Airflow tells versions of a DAG apart, of each document without and with fused steps."""
    documents = [DOCUMENTS / "scatter.cwl", DOCUMENTS / "scatter_subworkflow.cwl", DOCUMENTS / "fused" / "hinted.cwl"]
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "AIRFLOW__MLCRAFT__CACHE": str(folder / f"cache{seed}"),
    }
    command = [sys.executable, "-c", SCRIPT, *map(str, documents)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()


def test_each_parse_is_the_same_version(tmp_path: Path) -> None:
    hashes = {tuple(hash_dags(tmp_path, seed)) for seed in range(1, 4)}
    assert len(hashes) == 1
    assert len(set(next(iter(hashes)))) == 6
