"""Function URLs whose answers stream: the deployed program on a Runtime API, and the URL's door."""
