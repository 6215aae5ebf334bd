"""A running Airflow: its web UI is started here, and documents and training runs are sent to it by its REST API."""
