from airflow_mlcraft import load_cwl_dags

load_cwl_dags(globals(), "../cwl")
