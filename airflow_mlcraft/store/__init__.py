"""Files between tasks, by content: DVC's own cache layout in a folder, and object storage behind it.

Knows nothing of Airflow or of CWL steps. Importing this package loads nothing; import its modules.
"""
