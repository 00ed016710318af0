"""Let cdk-nag judge the stacks while they are synthesized, when it is asked to.

`-c groundwork:nag=true` adds the packs that `make test` treats as a gate. It is off otherwise
because cdk-nag is a tool of the people who change Groundwork, not of those who deploy it.
"""

from __future__ import annotations

import importlib

from aws_cdk import App, Validations

GATE = ("AwsSolutionsChecks", "ServerlessChecks")


def add_judges(app: App) -> None:
    """Add the packs named by the context key `groundwork:nag` (`true` for the gate)."""
    wanted = str(app.node.try_get_context("groundwork:nag") or "").strip()
    if wanted.lower() in ("", "false"):
        return
    packs = GATE if wanted.lower() == "true" else tuple(wanted.split(","))
    cdk_nag = importlib.import_module("cdk_nag")
    Validations.of(app).add_plugins(*(getattr(cdk_nag, pack)(app) for pack in packs))
