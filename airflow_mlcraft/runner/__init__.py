"""An embedded Airflow: runs one DAG as a real DagRun, in its own temporary database, over the cores of the machine.

Importing the package does not import Airflow.
"""
