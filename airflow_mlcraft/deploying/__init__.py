"""Container images of models, and their deployment to the local Docker engine or to AWS."""
