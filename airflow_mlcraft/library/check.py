"""The check that counts: what our loader, our compiler and Airflow have against a document."""

from __future__ import annotations

from pathlib import Path

from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.dag.checked_dag import build_dag, check_stored_form
from airflow_mlcraft.errors import DocumentError, MlcraftError
from airflow_mlcraft.library.problems import Places, Problem, problem_of
from airflow_mlcraft.library.workshop import FaultsError, Reading, Workshop


def check(
    workshop: Workshop, path: Path, text: str, dag_id: str, reading: Reading, *, keep: bool = False
) -> list[Problem]:
    """The problems of a text as if it were at `path`. With `keep` it is there, and is compiled for Airflow as well."""
    try:
        places = Places(text)
    except DocumentError as error:
        return [Problem(error.message, error.line)]
    errors: list[MlcraftError] = []
    try:
        for plan in workshop.plans(path, None if keep else text, reading, keep=keep):
            errors += _of_dag(plan, dag_id, text)
    except FaultsError as faults:
        errors += faults.errors
    found = dict.fromkeys(problem_of(error, path, places, reading.within) for error in errors)
    return sorted(found, key=lambda problem: problem.line or 0)


def _of_dag(plan: Plan, dag_id: str, text: str) -> list[MlcraftError]:
    """What Airflow, or one of our hints, has against the DAG."""
    try:
        check_stored_form(build_dag(plan, dag_id, text), text)
    except MlcraftError as error:
        return [error]
    return []
