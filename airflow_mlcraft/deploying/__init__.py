"""Models as container images, and where these run: this machine's Docker, or AWS."""
