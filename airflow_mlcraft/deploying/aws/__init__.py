"""Deployment of a model's image to ECS or Lambda. The state is read from AWS each time; none is kept here."""
