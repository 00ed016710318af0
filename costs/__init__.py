"""What the parts cost: one dated file of prices, and models that use it."""
