"""Runs in MLflow: what a task has to say goes into a folder, and is delivered by a process of its own.

Knows neither Airflow's DAGs nor scikit-learn. What a step imports from here never imports mlflow.
"""
