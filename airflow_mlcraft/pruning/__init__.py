"""Deletion of what runs have left behind and nobody needs any more: `mlcraft prune` and the DAG `housekeeping`."""
