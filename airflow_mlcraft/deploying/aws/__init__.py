"""A model's image in AWS: as a service of ECS, or as a function of Lambda. What is there is asked of AWS each time."""
