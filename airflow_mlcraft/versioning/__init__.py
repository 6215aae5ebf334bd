"""Versioning of data: `.dvc` files in a git repository, and the objects they point to in DVC's cache and remote."""
