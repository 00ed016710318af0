"""Read the settings of a stage once, and say what is wrong with them in words.

Layers, later ones win: the defaults of the models, the stage's block in `cdk.json` (context
`groundwork.<stage>.<capability>`), and `-c capability.field=value` on the command line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from annotated_types import Ge, Gt, Le, Lt
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stacks.settings_assistant import AssistantSettings
from stacks.settings_chat import ChatSettings
from stacks.settings_documents import DocumentsSettings
from stacks.settings_fleet import FleetSettings
from stacks.settings_function import FunctionSettings
from stacks.settings_functions import FUNCTIONS, ApiSettings, SharedFunctionSettings
from stacks.settings_ingestion import IngestionSettings
from stacks.settings_knowledge import KnowledgeSettings
from stacks.settings_model import Capability
from stacks.settings_network import NetworkSettings
from stacks.settings_offline import OfflineSettings

CAPABILITIES: Mapping[str, type[Capability]] = {
    "network": NetworkSettings,
    "documents": DocumentsSettings,
    "fleet": FleetSettings,
    "api": ApiSettings,
    "functions": SharedFunctionSettings,
    **FUNCTIONS,
    "offline": OfflineSettings,
    "conflict_resolver": FunctionSettings,
    "knowledge": KnowledgeSettings,
    "ingestion": IngestionSettings,
    "assistant": AssistantSettings,
    "chat": ChatSettings,
}
# Names have the stage in them. The shortest that AWS allows are 40 characters, those of the cache's
# users: https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateUserGroup.html
STAGE = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
LONGEST_STAGE = 13
BOUNDS = {
    Ge: ("at least", "ge"),
    Gt: ("more than", "gt"),
    Le: ("at most", "le"),
    Lt: ("less than", "lt"),
}
CapabilityType = TypeVar("CapabilityType", bound=Capability)


class SettingsError(Exception):
    """Some settings are wrong; the message names each field, its value, its range and a remedy."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be chosen about one deployment."""

    stage: str
    network: NetworkSettings
    documents: DocumentsSettings
    fleet: FleetSettings
    api: ApiSettings
    functions: SharedFunctionSettings
    function: Mapping[str, FunctionSettings]
    offline: OfflineSettings
    conflict_resolver: FunctionSettings
    knowledge: KnowledgeSettings
    ingestion: IngestionSettings
    assistant: AssistantSettings
    chat: ChatSettings


def load_settings(context: Mapping[str, Any]) -> Settings:
    """Settings for the CDK context's stage (`-c stage=...`, default `dev`).

    Raises SettingsError that lists every problem of every capability at once.
    """
    blocks = context.get("groundwork", {})
    stage = str(context.get("stage", "dev"))
    problems: list[str] = []
    if stage not in blocks:
        raise SettingsError(
            f"stage = {stage!r} is not a stage of cdk.json. Use -c stage="
            f"{'|'.join(blocks) or 'dev'}, or add a block context.groundwork.{stage} to cdk.json."
        )
    if len(stage) > LONGEST_STAGE or not STAGE.fullmatch(stage):
        problems.append(
            f"stage = {stage!r} is part of names. Allowed: at most {LONGEST_STAGE} letters, digits "
            "and single hyphens between them. Call its block in cdk.json otherwise."
        )
    block = blocks[stage]
    problems += _unknown(block, CAPABILITIES, place=f"cdk.json context.groundwork.{stage}")
    values = {name: dict(block.get(name, {})) for name in CAPABILITIES}
    for key, value in context.items():
        capability, dot, field = key.partition(".")
        if dot and capability in CAPABILITIES:
            values[capability][field] = value
        elif dot and not key.startswith("@") and ":" not in key:
            problems += _unknown([capability], CAPABILITIES, place=f"-c {key}", near_only=True)

    def built(name: str, model: type[CapabilityType]) -> CapabilityType | None:
        problems.extend(_unknown(values[name], model.model_fields, place=name))
        known = {key: value for key, value in values[name].items() if key in model.model_fields}
        try:
            return model.model_validate(known)
        except ValidationError as error:
            problems.extend(_explained(name, model, detail) for detail in error.errors())
            return None

    network = built("network", NetworkSettings)
    documents = built("documents", DocumentsSettings)
    fleet = built("fleet", FleetSettings)
    api = built("api", ApiSettings)
    shared = built("functions", SharedFunctionSettings)
    each = {name: built(name, model) for name, model in FUNCTIONS.items()}
    function = {name: chosen for name, chosen in each.items() if chosen is not None}
    offline = built("offline", OfflineSettings)
    resolver = built("conflict_resolver", FunctionSettings)
    knowledge = built("knowledge", KnowledgeSettings)
    ingestion = built("ingestion", IngestionSettings)
    assistant = built("assistant", AssistantSettings)
    chat = built("chat", ChatSettings)
    if problems or not (
        (network and documents and fleet and api and shared and offline and resolver)
        and (knowledge and ingestion and assistant and chat)
    ):
        raise SettingsError("\n".join(problems))
    return Settings(
        stage=stage,
        network=network,
        documents=documents,
        fleet=fleet,
        api=api,
        functions=shared,
        function=function,
        offline=offline,
        conflict_resolver=resolver,
        knowledge=knowledge,
        ingestion=ingestion,
        assistant=assistant,
        chat=chat,
    )


def allowed(field: FieldInfo) -> str:
    """The range of a field in words, with its unit; empty when any value of the type will do."""
    parts = [
        f"{word} {getattr(bound, attribute)}"
        for bound in field.metadata
        for kind, (word, attribute) in BOUNDS.items()
        if isinstance(bound, kind)
    ]
    choices = getattr(field.annotation, "__args__", ())
    if field.annotation is bool:
        parts.append("true or false")
    elif choices and all(isinstance(choice, str) for choice in choices):
        parts.append(" or ".join(choices))
    measure = (
        (field.json_schema_extra or {}).get("unit")
        if not callable(field.json_schema_extra)
        else None
    )
    text = ", ".join(parts)
    if measure:
        text = f"{text} ({measure})" if text else str(measure)
    return text


def _explained(capability: str, model: type[Capability], detail: ErrorDetails) -> str:
    if not detail["loc"]:
        return f"{capability}: {_message(detail)}"
    name = str(detail["loc"][0])
    field = model.model_fields[name]
    wanted = allowed(field)
    return (
        f"{capability}.{name} = {detail['input']!r}: {_message(detail)}."
        + (f" Allowed: {wanted}." if wanted else "")
        + f" Set it in cdk.json or with -c {capability}.{name}={field.default}"
    )


def _message(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ").removeprefix("Input ")


def _unknown(
    names: Iterable[str], known: Iterable[str], *, place: str, near_only: bool = False
) -> list[str]:
    known = list(known)
    problems = []
    for name in names:
        if name in known:
            continue
        close = difflib.get_close_matches(name, known, n=1)
        if close:
            problems.append(f"{place}: there is no {name!r}. Did you mean {close[0]!r}?")
        elif not near_only:
            problems.append(f"{place}: there is no {name!r}. There are: {', '.join(known)}.")
    return problems
