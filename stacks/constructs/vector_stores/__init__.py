"""Where a knowledge base may keep its vectors: a module per store, all of the same shape."""
