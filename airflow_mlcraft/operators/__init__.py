"""What a task of a CWL DAG does. Everything heavy loads when a task runs, not when a DAG file is parsed."""
