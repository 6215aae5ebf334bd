"""A CWL workflow inside a DAG with tasks of other kinds before, after and beside it."""

from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from airflow_mlcraft import CwlTaskGroup

HERE = Path(__file__).parent

with DAG("native") as dag:

    @task
    def numbers() -> list[int]:
        return [1, 2, 3]

    @task
    def word(number: int) -> str:
        return "word" * number

    @task
    def text() -> dict[str, str]:
        return {"class": "File", "path": str(HERE / "count_lines" / "three_lines.txt")}

    @task
    def fixed() -> str:
        return "two"

    words = word.expand(number=numbers())
    shout = CwlTaskGroup("shout", HERE / "scatter_subworkflow.cwl", inputs={"words": words, "left_out": fixed()})
    count = CwlTaskGroup("count", HERE / "count_lines" / "count_lines.cwl", inputs={"text": text()})

    @task
    def report(sizes: Any, lines: Any, everything: Any) -> dict[str, Any]:
        return {"sizes": sizes, "lines": lines, "keys": sorted(everything)}

    @task
    def beside() -> str:
        return "ran"

    beside()
    done = report(shout.outputs["sizes"], count.outputs["count"], shout.outputs)
    # A result of one workflow is an input of the next.
    again = CwlTaskGroup("again", HERE / "count_lines" / "count_lines.cwl", inputs={"text": count.outputs["printed"]})
    done >> again
