"""The HTTP side of the inference server: requests in, predictions out, metrics and logs."""
