"""An embedded Airflow: runs one DAG as a real DagRun, in its own throw-away database, over the cores.

Nothing here knows CWL, and importing this package does not import Airflow.
"""
