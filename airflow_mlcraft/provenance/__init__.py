"""What a run did, written down as a Workflow Run RO-Crate. Knows the plan, how a run went, and rocrate."""
