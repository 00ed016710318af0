"""Rules for the tables that devices synchronise with: their sources, versions and conflicts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.stacks.reading import Properties, Template, as_list, resources, statements, text

SOURCE, STEP = "AWS::AppSync::DataSource", "AWS::AppSync::FunctionConfiguration"
RESOLVER, TABLE = "AWS::AppSync::Resolver", "AWS::DynamoDB::Table"
ROLE = "AWS::IAM::Role"
WRITES = frozenset(
    f"dynamodb:{action}"
    for action in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate")
)
NEEDED = frozenset(
    f"dynamodb:{action}"
    for action in ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan")
)
STRATEGIES = frozenset({"AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA"})


def versioned(template: Template) -> dict[str, Properties]:
    """Logical id -> properties of every data source on a table."""
    return {
        name: source
        for name, source in resources(template, SOURCE).items()
        if source.get("Type") == "AMAZON_DYNAMODB"
    }


def allowed(template: Template, role: str) -> Iterator[tuple[set[str], set[str]]]:
    """Actions and resources of every statement of a role that allows something."""
    for policy in resources(template, ROLE).get(role, {}).get("Policies", []):
        for statement in statements(policy["PolicyDocument"]):
            if statement["Effect"] == "Allow":
                yield (
                    set(as_list(statement["Action"])),
                    {text(each) for each in as_list(statement["Resource"])},
                )


def may(template: Template, role: str, resource: str) -> set[str]:
    return {
        action
        for actions, targets in allowed(template, role)
        if resource in targets
        for action in actions
    }


def role_of(source: Properties) -> str:
    return text(source.get("ServiceRoleArn", "")).strip("<>").removesuffix(".Arn")


def check_sources_are_versioned(template: Template) -> list[str]:
    """All of them, on one delta table, with deletions that outlive changes."""
    problems = []
    deltas = set()
    for name, source in versioned(template).items():
        config = source["DynamoDBConfig"]
        delta = config.get("DeltaSyncConfig", {})
        if config.get("Versioned") is not True:
            problems.append(f"{name} is not versioned")
        deltas.add(text(delta.get("DeltaSyncTableName", "")))
        minutes = [str(delta.get(key, "")) for key in ("DeltaSyncTableTTL", "BaseTableTTL")]
        if not all(each.isdigit() and int(each) > 0 for each in minutes):
            problems.append(f"{name} does not say for how many minutes it remembers")
        elif int(minutes[0]) > int(minutes[1]):
            problems.append(f"{name} forgets deletions before changes")
        if text(config["TableName"]) in deltas:
            problems.append(f"{name} keeps its items in the delta table")
    if len(deltas) != 1:
        problems.append(f"{len(deltas)} delta tables")
    return problems


def check_sources_may_reach_their_tables(template: Template) -> list[str]:
    """The base table, its indexes, and the delta table, without which no mutation succeeds."""
    problems = []
    for name, source in versioned(template).items():
        config, role = source["DynamoDBConfig"], role_of(source)
        table = text(config["TableName"]).strip("<>")
        delta = text(config.get("DeltaSyncConfig", {}).get("DeltaSyncTableName", "")).strip("<>")
        problems += [
            f"{name} may not {action} on {each}"
            for each in (table, delta)
            for action in sorted(NEEDED - may(template, role, f"<{each}.Arn>"))
        ]
        indexes = resources(template, TABLE).get(table, {}).get("GlobalSecondaryIndexes", [])
        problems += [
            f"{name} may not query {index['IndexName']}"
            for index in indexes
            if "dynamodb:Query"
            not in may(template, role, f"<{table}.Arn>/index/{index['IndexName']}")
        ]
    return problems


def check_delta_table(template: Template) -> list[str]:
    """Names, keys and time to live are AppSync's."""
    found = [table for name, table in resources(template, TABLE).items() if "Delta" in name]
    if len(found) != 1:
        return [f"{len(found)} delta tables"]
    keys = {each["AttributeName"]: each["KeyType"] for each in found[0]["KeySchema"]}
    kinds = {
        each["AttributeName"]: each["AttributeType"] for each in found[0]["AttributeDefinitions"]
    }
    wrong = keys != {"ds_pk": "HASH", "ds_sk": "RANGE"} or kinds != {"ds_pk": "S", "ds_sk": "S"}
    return ["the delta table has other keys than AppSync writes"] if wrong else []


def check_tables(template: Template) -> list[str]:
    """On demand, recoverable, forgetful, and as hard to delete as the stage says."""
    problems = []
    for name, resource in template["Resources"].items():
        if resource["Type"] != TABLE:
            continue
        table = resource["Properties"]
        kept = resource.get("DeletionPolicy") == "Retain"
        recovery = table.get("PointInTimeRecoverySpecification", {})
        problems += [
            f"{name}: {wrong}"
            for wrong, holds in (
                ("not on demand", table.get("BillingMode") == "PAY_PER_REQUEST"),
                ("no point-in-time recovery", recovery.get("PointInTimeRecoveryEnabled") is True),
                (
                    "tombstones and changes stay for ever",
                    table.get("TimeToLiveSpecification")
                    == {"AttributeName": "_ttl", "Enabled": True},
                ),
                (
                    "kept when the stack goes, and yet not protected, or the other way round",
                    table.get("DeletionProtectionEnabled", False) is kept,
                ),
            )
            if not holds
        ]
    return problems


def check_synchronisation(template: Template) -> list[str]:
    """Every table can be synchronised, by a Sync request with its time, token, limit and filter."""
    problems = []
    codes = {
        text(step["DataSourceName"]).strip("<>").removesuffix(".Name"): step["Code"]
        for step in resources(template, STEP).values()
        if step["Name"].endswith("_sync")
    }
    for name in versioned(template):
        code = codes.get(name, "")
        wanted = (
            "operation: 'Sync'",
            "lastSync: lastSync",
            "nextToken",
            "limit: Math.min(",
            "filter:",
        )
        problems += [
            f"{name}: no {each} in its synchronisation" for each in wanted if each not in code
        ]
    synced = [
        each
        for each in resources(template, RESOLVER).values()
        if each["TypeName"] == "Query" and each["FieldName"].startswith("sync")
    ]
    if len(synced) != len(versioned(template)):
        problems.append("not every table has a query that synchronises it")
    return problems


def check_versions_are_asked(template: Template) -> list[str]:
    """A change without a version has seen nothing, which is a conflict and never an overwrite."""
    return [
        f"{name} takes a change without a version for the latest"
        for name, step in resources(template, STEP).items()
        if step["Name"].endswith(("_update", "_delete"))
        and "_version: input._version ?? 0" not in step["Code"]
    ]


def check_conflicts(template: Template) -> list[str]:
    """Detected by version in every step; a handler is named, and may be invoked."""
    problems = []
    used = set()
    sources = {f"<{name}.Name>": source for name, source in versioned(template).items()}
    for name, step in resources(template, STEP).items():
        source = sources.get(text(step["DataSourceName"]))
        if source is None:
            continue
        config = step.get("SyncConfig", {})
        strategy = config.get("ConflictHandler", "")
        used.add(strategy)
        if config.get("ConflictDetection") != "VERSION" or strategy not in STRATEGIES:
            problems.append(f"{name} does not detect conflicts")
        handler = text(
            config.get("LambdaConflictHandlerConfig", {}).get("LambdaConflictHandlerArn", "")
        )
        if bool(handler) != (strategy == "LAMBDA"):
            problems.append(f"{name} has a handler without the strategy, or the other way round")
        if handler and "lambda:InvokeFunction" not in may(template, role_of(source), handler):
            problems.append(f"{name} may not invoke its handler")
    return problems + [f"nobody uses {each}" for each in sorted(STRATEGIES - used)]


def check_nobody_else_writes(template: Template) -> list[str]:
    """What does not come by a mutation has no version, no change in the delta, no subscriber."""
    ours = {role_of(source) for source in versioned(template).values()}
    tables = {f"<{name}.Arn>" for name in resources(template, TABLE)}
    return [
        f"{role} writes to {target} directly"
        for role in resources(template, ROLE)
        if role not in ours
        for actions, targets in allowed(template, role)
        if actions & WRITES or any(action.startswith("dynamodb:*") for action in actions)
        for target in targets & tables
    ]
