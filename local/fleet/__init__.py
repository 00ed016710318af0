"""EC2 Auto Scaling and EC2 in small: groups, instances that are process trees, and their metadata.

The road: `supervisor` ticks; per group, `group` plays the lifecycle rules and `machine` runs one
`boot` process per instance, which does what user data and systemd would do. Decisions about
capacity come from `local.scaling`, the numbers from the deployed template.
"""
