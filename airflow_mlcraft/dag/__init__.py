"""Conversion of a plan to a DAG: tasks, groups, mapping, the trigger form.

Loads while a DAG file is parsed, so it imports nothing heavy: neither cwltool, MLflow nor DVC.
"""
