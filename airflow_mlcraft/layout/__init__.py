"""Where the steps of a plan stand in a DAG, and what they are called there. Knows the plan; needs no Airflow."""
