"""Composition root: settings in, stacks out."""

from __future__ import annotations

import sys
from functools import partial

from aws_cdk import App, Tags

from stacks.assistant_stack import CHAT, AssistantStack, AssistantStackInputs
from stacks.bundling import BundleError, bundle_worker
from stacks.constructs.ingestion import INGESTION
from stacks.constructs.vector_stores.setup_function import NAME as VECTOR_STORE
from stacks.documents_stack import DocumentsStack
from stacks.fleet_stack import FleetStack
from stacks.function_bundling import bundle_function
from stacks.functions_stack import FunctionsStack, FunctionsStackInputs
from stacks.judging import add_judges
from stacks.knowledge_stack import KnowledgeStack, KnowledgeStackInputs
from stacks.network_stack import NetworkStack
from stacks.offline_stack import CONFLICT_RESOLVER, OfflineStack, OfflineStackInputs
from stacks.settings import SettingsError, load_settings


def build(app: App) -> None:
    """Add the stacks of the stage that the context names."""
    settings = load_settings(app.node.get_all_context() or {})
    prefix = f"Groundwork-{settings.stage}"
    network = NetworkStack(
        app,
        f"{prefix}-Network",
        settings=settings.network,
        session_manager=settings.fleet.session_manager,
    )
    documents = DocumentsStack(app, f"{prefix}-Documents", settings=settings.documents)
    fleet = FleetStack(
        app,
        f"{prefix}-Fleet",
        settings=settings.fleet,
        network=network.network,
        documents=documents.documents,
        prepared_documents=documents.prepared_documents,
        program=bundle_worker(),
    )
    package = partial(bundle_function, bytecode=settings.functions.bytecode)
    functions = f"{prefix}-Functions"
    FunctionsStack(
        app,
        functions,
        inputs=FunctionsStackInputs(
            api=settings.api,
            shared=settings.functions,
            functions=settings.function,
            packages={name: package(name) for name in settings.function},
            queue=fleet.queue,
            jobs_table=fleet.jobs_table,
            encryption_key=fleet.encryption_key,
            alarm_topic=fleet.alarm_topic,
        ),
    )
    OfflineStack(
        app,
        f"{prefix}-Offline",
        inputs=OfflineStackInputs(
            settings=settings.offline,
            resolver=settings.conflict_resolver,
            resolver_package=package(CONFLICT_RESOLVER),
            alarm_topic=fleet.alarm_topic,
        ),
    )
    knowledge = KnowledgeStack(
        app,
        f"{prefix}-Knowledge",
        inputs=KnowledgeStackInputs(
            settings=settings.knowledge,
            network=network.network,
            setup_package=partial(package, VECTOR_STORE),
            ingestion=settings.ingestion,
            ingestion_package=package(INGESTION),
            documents=documents.prepared_documents,
            alarm_topic=fleet.alarm_topic,
        ),
    )
    AssistantStack(
        app,
        f"{prefix}-Assistant",
        inputs=AssistantStackInputs(
            settings=settings.assistant,
            chat=settings.chat,
            chat_package=package(CHAT),
            api=settings.api,
            network=network.network,
            has_nat=settings.network.egress == "nat_gateway",
            endpoint_zones=settings.network.endpoint_availability_zones,
            knowledge=knowledge.knowledge,
            alarm_topic=fleet.alarm_topic,
        ),
    )
    if settings.functions.power_tuning:
        from stacks.power_tuning_stack import PowerTuningStack

        PowerTuningStack(app, f"{prefix}-PowerTuning", functions_stack=functions)
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
