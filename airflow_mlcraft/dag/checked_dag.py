"""The DAG of a plan that Airflow is sure to take, or a sentence with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Plan
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.dag.hint_fields import FieldError
from airflow_mlcraft.dag.stored_dag import dag_serialization
from airflow_mlcraft.dag.table_limits import Misfit, misfits_of
from airflow_mlcraft.errors import DocumentError, MlcraftError

_ALSO_SAID_BY = {"poolSlots": "coresMin", "timeout": "timelimit"}
"""What sets a field of a hint where the hint does not."""
_NAMED = 3
"""How many of a DAG's faults an error names."""


def build_dag(plan: Plan, dag_id: str, text: str | None = None, **dag_args: Any) -> CwlDag:
    """The DAG of a plan, its arguments checked. Raises a `DocumentError` with the line in the document's `text`."""
    try:
        # Airflow takes each DAG of a `with` block into its DAG file by itself, also one that turns out to be wrong.
        dag = CwlDag.of_plan(plan, dag_id, **{**dag_args, "auto_register": False})
        dag.validate()  # type: ignore[no-untyped-call]
    except FieldError as error:
        raise _located(plan, text, error.message, error.field, error.value) from None
    except DocumentError as error:
        raise error if error.line else _located(plan, text, error.message) from None
    except MlcraftError:
        raise
    except Exception as error:
        # Whatever Airflow has against this DAG, it must not take the others along.
        raise _located(plan, text, f"Airflow refuses its DAG ({type(error).__name__}: {_one_line(error)})") from None
    return dag


def check_stored_form(dag: CwlDag, text: str | None = None) -> Json:
    """The serialized form of a DAG. Raises a `DocumentError` for one that Airflow could not write to its database."""
    try:
        form = dag_serialization().to_dict(dag)
        misfits = list(misfits_of(dag, form))
    except Exception as error:
        message = f"Airflow cannot store its DAG ({type(error).__name__}: {_one_line(error)})"
        raise _located(dag.plan, text, message) from None
    if misfits:
        first = misfits[0]
        raise _located(dag.plan, text, _sentence(misfits), first.field, first.value)
    return form


def _sentence(misfits: list[Misfit]) -> str:
    messages = list(dict.fromkeys(misfit.message for misfit in misfits))
    more = len(messages) - _NAMED
    return "; ".join(messages[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _located(plan: Plan, text: str | None, message: str, field: str = "", value: Json = None) -> DocumentError:
    """An error at the line that says a field; at the first line where none does, as for a tool in another file."""
    # The parser of YAML loads for errors alone.
    from airflow_mlcraft.cwl.places import field_at

    path = Path(plan.base) / plan.file
    if text is None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
    line = field_at(text, field, value) or (field_at(text, _ALSO_SAID_BY[field]) if field in _ALSO_SAID_BY else None)
    return DocumentError(message, path=str(path), line=line or 1)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:500]
