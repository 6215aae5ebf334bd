"""What the package adds to Airflow's own processes. Loads in most of them: nothing here may be heavy."""
