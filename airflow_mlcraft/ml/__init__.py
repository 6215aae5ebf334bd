"""Functions on data frames and estimators, without Airflow and MLflow."""
