"""Read appsync_src: the API's schema, the models with their plans, the code of every resolver.

The same few files serve every model. A function is AppSync's name for one step of a pipeline: its
code is deployed as it is, once per data source. A resolver is resolvers/pipeline.js with its plan
from models.json in place of `{}`. Nothing is generated at synth but that one line, and everything
that models.json is made of is committed (`make models`), so synth needs no npm and no GraphQL
parser.

APPSYNC_JS has no imports of one's own, and a bundler at synth would be a dependency; environment
variables of an API are the same for all its resolvers. Hence a plan in the code of the resolver and
its stash for the steps behind it
(https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html). See
docs/decisions/0004-resolvers-from-one-source.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent / "appsync_src"
PLACE_OF_THE_PLAN = "const PLAN = {};"
BY_API_KEY = " @aws_api_key"


@dataclass(frozen=True, kw_only=True)
class Index:
    """A global secondary index of a model's table."""

    name: str
    partition: str
    sort: str


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """A field of the schema and how it is resolved."""

    type_name: str
    field: str
    model: str | None  # whose data source its functions work on; None: no data source
    functions: tuple[str, ...]
    code: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """A type with a table of its own."""

    name: str
    indexes: tuple[Index, ...]
    resolvers: tuple[Resolver, ...]


def read_models(source: Path = SOURCE) -> tuple[Model, ...]:
    """The models of models.json."""
    pipeline = (source / "resolvers" / "pipeline.js").read_text()
    assert PLACE_OF_THE_PLAN in pipeline
    return tuple(
        Model(
            name=model["name"],
            indexes=tuple(Index(**index) for index in model["indexes"]),
            resolvers=tuple(_resolver(each, pipeline) for each in model["resolvers"]),
        )
        for model in json.loads((source / "models.json").read_text())
    )


def function_code(name: str, source: Path = SOURCE) -> str:
    """The code of a step of pipelines."""
    return (source / "functions" / f"{name}.js").read_text()


def api_schema(*, api_key: bool, source: Path = SOURCE) -> str:
    """The schema; without the API key's directives when there is no API key."""
    text = (source / "api.graphql").read_text()
    return text if api_key else text.replace(BY_API_KEY, "")


def _resolver(described: Mapping[str, Any], pipeline: str) -> Resolver:
    plan = json.dumps(described["plan"], sort_keys=True)
    return Resolver(
        type_name=described["type"],
        field=described["field"],
        model=described["model"],
        functions=tuple(described["functions"]),
        code=pipeline.replace(PLACE_OF_THE_PLAN, f"const PLAN = {plan};"),
    )
