"""What is deployed: one module per stack, settings, and the bundle of the worker's program."""
