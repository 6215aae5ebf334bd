"""From a plan to a DAG: tasks, groups, mapping, the trigger form. Loads while a DAG file is parsed.

Knows the plan and Airflow; nothing that is heavy (cwltool, mlflow, dvc) loads from here.
"""
