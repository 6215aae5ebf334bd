"""Airflow hooks for MLflow, DVC and the store."""
