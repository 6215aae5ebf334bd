"""Airflow servers: start of a local web UI, and runs of documents and trainings by the REST API."""
