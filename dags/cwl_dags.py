from airflow_mlcraft import load_cwl_dags

load_cwl_dags(globals(), __file__.rsplit("/", 2)[0] + "/cwl")
