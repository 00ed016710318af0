"""`make demo`: deploy to the embedded AWS, run every scenario, print what was measured.

One module per chapter; `report` prints and collects figures. A chapter that finds something wrong
says so and the demo ends with status 1.
"""
