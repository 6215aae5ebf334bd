"""Tracking of runs in MLflow: tasks write records into a spool folder, and a separate process sends them.

Imports neither Airflow nor scikit-learn. What a step imports from here never imports mlflow.
"""
