"""How EC2 Auto Scaling and CloudWatch decide, as pure functions of the template's numbers.

The road: `policy_spec` reads the policies, alarms and group of a template; `evaluation.evaluate`
takes them, the group's state and the metric data that CloudWatch would show now, and returns the
new desired capacity. Under it: `metric_math` (expressions), `alarms` (alarm states and missing
data), `target_tracking` and `step_scaling` (capacity arithmetic). No clock, no network, no state
kept between calls: a caller may run time at any speed.
"""
