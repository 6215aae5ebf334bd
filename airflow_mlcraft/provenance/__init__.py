"""Provenance: what a run did, written as a Workflow Run RO-Crate."""
