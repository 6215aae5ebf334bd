"""What `mlcraft-step` does: files in, one piece of machine learning, files out."""
