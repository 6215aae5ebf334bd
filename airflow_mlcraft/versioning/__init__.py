"""Pointers to data in a git repository, in DVC's form."""
