"""The processes of the inference server: supervisor, workers, command, rollout."""
