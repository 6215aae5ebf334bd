"""The inference server, and the roll-out of models to it."""
