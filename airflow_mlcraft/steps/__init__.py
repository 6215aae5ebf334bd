"""The machine-learning steps of `mlcraft-step`: each reads files, and writes files."""
