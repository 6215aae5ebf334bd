"""The language: load a CWL document, compile it to a plan, join steps' values, run one tool.

Knows CWL and cwltool; knows nothing of Airflow.
"""
