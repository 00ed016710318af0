"""Vector stores: real engines behind one Protocol, opened from a deployed storage configuration."""
