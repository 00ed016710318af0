"""Reusable parts of the stacks: one idea per module."""
