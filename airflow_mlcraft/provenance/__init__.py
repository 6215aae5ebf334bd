"""Provenance of a run, written as a Workflow Run RO-Crate."""
