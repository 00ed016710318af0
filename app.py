"""Composition root: settings in, stacks out."""

from __future__ import annotations

import gc
import sys
from functools import partial

if __name__ == "__main__":
    gc.disable()  # A quarter of what the imports below cost is looking for garbage; there is none.

from aws_cdk import App, Tags

from stacks.assistant_stack import AssistantStack
from stacks.bundling import BundleError, bundle_worker
from stacks.documents_stack import DocumentsStack
from stacks.fleet_stack import FleetStack
from stacks.function_bundling import bundle_function
from stacks.functions_stack import FunctionsStack
from stacks.judging import add_judges
from stacks.knowledge_stack import KnowledgeStack
from stacks.network_stack import NetworkStack
from stacks.offline_stack import OfflineStack
from stacks.settings import SettingsError, load_settings


def build(app: App) -> None:
    """Add the stacks of the stage that the context names."""
    settings = load_settings(app.node.get_all_context() or {})
    prefix = f"Groundwork-{settings.stage}"
    package = partial(bundle_function, bytecode=settings.functions.bytecode)
    network = NetworkStack(app, f"{prefix}-Network", settings=settings).network
    documents = DocumentsStack(app, f"{prefix}-Documents", settings=settings.documents)
    fleet = FleetStack(
        app,
        f"{prefix}-Fleet",
        settings=settings.fleet,
        network=network,
        documents=documents.documents,
        prepared_documents=documents.prepared_documents,
        program=bundle_worker(),
    ).fleet
    FunctionsStack(app, f"{prefix}-Functions", settings=settings, package=package, fleet=fleet)
    OfflineStack(
        app, f"{prefix}-Offline", settings=settings, package=package, alarm_topic=fleet.alarm_topic
    )
    knowledge = KnowledgeStack(
        app,
        f"{prefix}-Knowledge",
        settings=settings,
        package=package,
        network=network,
        documents=documents.prepared_documents,
        alarm_topic=fleet.alarm_topic,
    ).knowledge
    AssistantStack(
        app,
        f"{prefix}-Assistant",
        settings=settings,
        package=package,
        network=network,
        knowledge=knowledge,
        alarm_topic=fleet.alarm_topic,
    )
    if settings.functions.power_tuning:
        from stacks.power_tuning_stack import PowerTuningStack

        PowerTuningStack(app, f"{prefix}-PowerTuning", functions_stack=f"{prefix}-Functions")
    Tags.of(app).add("Application", "Groundwork")
    Tags.of(app).add("Stage", settings.stage)
    add_judges(app)


if __name__ == "__main__":
    try:
        app = App()
        build(app)
    except (SettingsError, BundleError) as error:
        sys.exit(f"{error}")
    app.synth()
