"""The place of a plan's steps in a DAG: task ids, groups and scatters. Imports no Airflow."""
