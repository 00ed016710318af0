"""Measurements: ours beside the peers or the optimum, printed as ratios."""
