"""The inference server, and how a model is rolled out to it."""
