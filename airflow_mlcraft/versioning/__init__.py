"""Versions of data: `.dvc` pointers in a git repository, and the objects they point to where DVC finds them."""
