"""What every resolver is about and who may call it: appsync_src/models.json.

The resolvers' code is the same for all models; this is what differs. The stack creates tables,
functions and resolvers from it, and hands each resolver its plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modelgen.domain import Domain, Index, Model, Relation

Plan = dict[str, Any]
MUTATIONS = ("create", "update", "delete")


def plans(domain: Domain) -> list[Plan]:
    """Models with their indexes and resolvers, in the order of the schema."""
    by_name = {model.name: model for model in domain.models}
    return [
        {
            "name": model.name,
            "indexes": [
                {"name": index.name, "partition": index.partition, "sort": index.sort}
                for index in model.indexes
            ],
            "resolvers": list(_resolvers(model, by_name)),
        }
        for model in domain.models
    ]


def _resolvers(model: Model, by_name: dict[str, Model]) -> Iterator[Plan]:
    name, plural = model.name, model.plural
    read = _allowed(model, "read")
    yield _resolver("Query", f"get{name}", name, ["get"], read)
    yield _resolver("Query", f"list{plural}", name, ["list"], read)
    yield _resolver("Query", f"sync{plural}", name, ["sync"], read)
    for index in model.indexes:
        yield _resolver("Query", index.query_field, name, ["query"], {**read, **_index(index)})
    for operation in MUTATIONS:
        guarded = ["read_existing"] if model.owned and operation != "create" else []
        yield _resolver(
            "Mutation",
            f"{operation}{name}",
            name,
            [*guarded, operation],
            {
                **_allowed(model, operation),
                "writes": "new" if operation == "create" else "existing",
                "owned": model.owned,
                "required": [field.name for field in model.fields if field.required],
            },
        )
    for operation in MUTATIONS:
        yield _resolver("Subscription", f"on{operation.title()}{name}", None, ["subscribe"], read)
    for relation in model.relations:
        yield _related(model, relation, by_name[relation.model])


def _related(model: Model, relation: Relation, target: Model) -> Plan:
    read = {**_allowed(target, "read"), "shared": _shared(model, target)}
    if not relation.many:
        plan = {**read, "parent": relation.through}
        return _resolver(model.name, relation.field, target.name, ["get"], plan)
    (index,) = (each for each in target.indexes if each.name == relation.through)
    plan = {**read, **_index(index), "parent": "id"}
    return _resolver(model.name, relation.field, target.name, ["query"], plan)


def _resolver(
    type_name: str, field: str, model: str | None, functions: list[str], plan: Plan
) -> Plan:
    """`model`: whose data source the functions work on; None for those that need none."""
    return {
        "type": type_name,
        "field": field,
        "model": model,
        "functions": functions,
        "plan": plan,
    }


def _index(index: Index) -> Plan:
    return {"index": {"name": index.name, "partition": index.partition, "sort": index.sort}}


def _shared(model: Model, target: Model) -> bool:
    """Whether all who may read any item of `model` may read every item of `target`.

    They are told of changes of `model`, with the relations that a mutation selected. Amplify makes
    the same comparison (https://docs.amplify.aws/react/build-a-backend/data/subscribe-data/).
    """
    told, readers = _allowed(model, "read")["allow"], _allowed(target, "read")["allow"]
    if readers["signedIn"]:
        return True
    everybody = told["signedIn"] or told["owner"]
    return not everybody and set(told["groups"]) <= set(readers["groups"])


def _allowed(model: Model, operation: str) -> Plan:
    rules = [rule for rule in model.rules if operation in rule.operations]
    return {
        "allow": {
            "groups": sorted({group for rule in rules for group in rule.groups}),
            "signedIn": any(rule.allow == "private" for rule in rules),
            "owner": any(rule.allow == "owner" for rule in rules),
        }
    }
