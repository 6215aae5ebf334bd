"""The CWL language: loading and compiling documents, the inputs of steps, scatter, and running one tool.

Depends on cwltool and cwl-utils; does not import Airflow.
"""
