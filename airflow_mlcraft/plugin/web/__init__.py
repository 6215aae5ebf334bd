"""The pages' server, below /mlcraft of Airflow's API server. Nothing but `lazy_app` loads before its first request."""
