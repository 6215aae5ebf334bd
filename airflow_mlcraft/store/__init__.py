"""The store of files that tasks exchange, addressed by content in DVC's cache layout, with an optional remote.

Imports neither Airflow nor cwltool. Importing this package loads nothing; import its modules.
"""
