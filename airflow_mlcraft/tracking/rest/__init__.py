"""MLflow's REST API, without importing mlflow."""
