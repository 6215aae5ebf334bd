"""Connections to what a run needs besides Airflow."""
