"""The function that AppSync asks when two changes of a work order collide."""
