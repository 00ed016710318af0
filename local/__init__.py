"""The local AWS: an embedded emulator on loopback, and the fleet that runs in it.

Doors: `python -m local up|status|down|reset|cdk`, and `local.session.LocalAws` for tests and the
demo. How each service differs from AWS: docs/fidelity.md.
"""
