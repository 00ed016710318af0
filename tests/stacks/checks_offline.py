"""Rules for the API that devices synchronise with: its versioned tables, resolvers, users."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from stacks.settings_offline import RESOLVERS_OF_A_PAGE
from tests.stacks.reading import Properties, Template, as_list, resources, statements, text

API, SCHEMA, KEY = "AWS::AppSync::GraphQLApi", "AWS::AppSync::GraphQLSchema", "AWS::AppSync::ApiKey"
SOURCE, STEP = "AWS::AppSync::DataSource", "AWS::AppSync::FunctionConfiguration"
RESOLVER, TABLE = "AWS::AppSync::Resolver", "AWS::DynamoDB::Table"
ROLE, ALARM = "AWS::IAM::Role", "AWS::CloudWatch::Alarm"
POOL, CLIENT = "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient"
IDENTITIES, FIREWALL = "AWS::Cognito::IdentityPool", "AWS::WAFv2::WebACL"
ASSOCIATION = "AWS::WAFv2::WebACLAssociation"
WRITES = frozenset(
    f"dynamodb:{action}"
    for action in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate")
)
NEEDED = frozenset(
    f"dynamodb:{action}"
    for action in ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan")
)
STRATEGIES = frozenset({"AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "LAMBDA"})
RUNTIME = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
# What nests deepest of what DataStore asks: syncNotes > items > photo > key.
DEPTH_OF_A_PAGE = 4
LARGEST_CODE = 32_000


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


def check_runtime(template: Template) -> list[str]:
    """JavaScript of the documented version, inline and small enough, and nothing in VTL."""
    return [
        f"{name}: {wrong}"
        for kind in (STEP, RESOLVER)
        for name, each in resources(template, kind).items()
        for wrong, holds in (
            (
                "another runtime",
                each.get("Runtime") == {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"},
            ),
            ("no code", "export function request" in each.get("Code", "")),
            ("too large", len(each.get("Code", "").encode()) < LARGEST_CODE),
            ("a template beside its code", "RequestMappingTemplate" not in each),
            ("no error is passed on", kind == RESOLVER or _passes_errors_on(each)),
        )
        if not holds
    ]


def _passes_errors_on(step: Properties) -> bool:
    """Changes hand over the item with the error, or no client can resolve a conflict."""
    code = step.get("Code", "")
    if step["Name"] == "subscribe":
        return True
    data = ", ctx.result)" if step["Name"].endswith(("_update", "_delete")) else ""
    return f"util.error(ctx.error.message, ctx.error.type{data}" in code


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


def check_ways_in(template: Template) -> list[str]:
    """Users by default, programs by IAM; a key only with a key, and then nowhere else."""
    problems = []
    key = bool(resources(template, KEY))
    for name, api in resources(template, API).items():
        others = [
            each["AuthenticationType"] for each in api.get("AdditionalAuthenticationProviders", [])
        ]
        if api.get("AuthenticationType") != "AMAZON_COGNITO_USER_POOLS":
            problems.append(f"{name} lets somebody else in by default")
        if others != ["AWS_IAM", *(["API_KEY"] if key else [])]:
            problems.append(f"{name} lets in by {', '.join(others)}")
        if api.get("IntrospectionConfig") != "DISABLED" and not key:
            problems.append(f"{name} tells strangers its schema")
    for name, schema in resources(template, SCHEMA).items():
        if ("@aws_api_key" in schema["Definition"]) != key:
            problems.append(f"{name} and the API disagree about the key")
    return problems


def check_limits(template: Template) -> list[str]:
    """No request asks for everything by way of relations; a page of DataStore's still fits."""
    return [
        f"{name}: {wrong}"
        for name, api in resources(template, API).items()
        for wrong, holds in (
            (
                "depth",
                DEPTH_OF_A_PAGE <= api.get("QueryDepthLimit", 0) <= 75,
            ),
            (
                "resolvers",
                RESOLVERS_OF_A_PAGE <= api.get("ResolverCountLimit", 0) <= 10_000,
            ),
        )
        if not holds
    ]


def check_api_is_observed(template: Template) -> list[str]:
    """Fields are logged, without contents, into a group that forgets; requests are traced."""
    problems = []
    groups = {
        text(group.get("LogGroupName", ""))
        for group in resources(template, "AWS::Logs::LogGroup").values()
        if group.get("RetentionInDays")
    }
    for name, api in resources(template, API).items():
        log = api.get("LogConfig", {})
        if log.get("FieldLogLevel", "NONE") == "NONE" or not log.get("CloudWatchLogsRoleArn"):
            problems.append(f"{name} logs nothing about fields")
        if log.get("ExcludeVerboseContent") is not True:
            problems.append(f"{name} logs what users write")
        if f"/aws/appsync/apis/<{name}.ApiId>" not in groups:
            problems.append(f"{name} logs into a group that never forgets")
        if api.get("XrayEnabled") is not True:
            problems.append(f"{name} is not traced")
    return problems


def check_resolvers(template: Template) -> list[str]:
    """Pipelines with a plan that says who may; they and their steps come after the schema."""
    problems = []
    schema = next(iter(resources(template, SCHEMA)), "")
    for kind in (STEP, RESOLVER):
        problems += [
            f"{name} may be made before the schema"
            for name in resources(template, kind)
            if schema not in as_list(template["Resources"][name].get("DependsOn"))
        ]
    for name, each in resources(template, RESOLVER).items():
        plan = re.search(r"^const PLAN = (\{.+\});$", each.get("Code", ""), re.MULTILINE)
        allow = json.loads(plan.group(1)).get("allow", {}) if plan else {}
        if not (allow.get("groups") or allow.get("owner") or allow.get("signedIn")):
            problems.append(f"{name} does not say who may")
        if each.get("Kind") != "PIPELINE" or not each["PipelineConfig"]["Functions"]:
            problems.append(f"{name} is no pipeline")
    return problems


def check_subscriptions_are_filtered(template: Template) -> list[str]:
    """AppSync filters by what the one step sets; without it everybody hears everything."""
    steps = {
        f"<{name}.FunctionId>": step["Code"] for name, step in resources(template, STEP).items()
    }
    return [
        f"{name} tells everybody everything"
        for name, each in resources(template, RESOLVER).items()
        if each["TypeName"] == "Subscription"
        and not any(
            "extensions.setSubscriptionFilter(" in steps.get(text(function), "")
            for function in each["PipelineConfig"]["Functions"]
        )
    ]


def check_users(template: Template) -> list[str]:
    """Invited, with good passwords and a second factor at hand; nobody without signing in."""
    problems = []
    for name, pool in resources(template, POOL).items():
        policy = pool.get("Policies", {}).get("PasswordPolicy", {})
        problems += [
            f"{name}: {wrong}"
            for wrong, holds in (
                (
                    "strangers sign up",
                    pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly") is True,
                ),
                ("short passwords", policy.get("MinimumLength", 0) >= 12),
                ("no second factor", pool.get("MfaConfiguration") in ("ON", "OPTIONAL")),
            )
            if not holds
        ]
    problems += [
        f"{name} tells who has an account"
        for name, client in resources(template, CLIENT).items()
        if client.get("PreventUserExistenceErrors") != "ENABLED"
    ]
    problems += [
        f"{name} has a secret that every device would know"
        for name, client in resources(template, CLIENT).items()
        if client.get("GenerateSecret")
    ]
    return problems + [
        f"{name} gives credentials to strangers"
        for name, pool in resources(template, IDENTITIES).items()
        if pool.get("AllowUnauthenticatedIdentities") is not False
    ]


def check_users_reach_photos_alone(template: Template) -> list[str]:
    """Writing is below their own identity, and nothing else is theirs by IAM."""
    return [
        f"{role} may {', '.join(sorted(actions))} on {target}"
        for role in resources(template, ROLE)
        if "SignedIn" in role
        for actions, targets in allowed(template, role)
        for target in targets
        if not (
            (actions == {"s3:GetObject"} and target.endswith("/photos/*"))
            or (
                actions == {"s3:PutObject"}
                and target.endswith("/photos/<cognito-identity.amazonaws.com:sub>/*")
            )
        )
    ]


def check_firewall(template: Template) -> list[str]:
    """If there is one, it is in front of the API, and an address can ask for too much."""
    problems = []
    apis = {f"<{name}.Arn>" for name in resources(template, API)}
    for name, acl in resources(template, FIREWALL).items():
        guarded = {
            text(each["ResourceArn"])
            for each in resources(template, ASSOCIATION).values()
            if text(each["WebACLArn"]) == f"<{name}.Arn>"
        }
        if guarded != apis:
            problems.append(f"{name} is in front of nothing")
        if not any(
            "RateBasedStatement" in rule["Statement"] and "Block" in rule.get("Action", {})
            for rule in acl["Rules"]
        ):
            problems.append(f"{name} lets an address ask for everything")
    return problems


def check_offline_alarms(template: Template) -> list[str]:
    """Server errors, latency, subscribers, and every table's throttling."""
    alarms = resources(template, ALARM)
    read = json.dumps(list(alarms.values()))
    wanted = {"5XXError", "Latency", "SubscribeServerError", "PublishDataMessageServerError"}
    problems = [
        f"no alarm reads {metric}" for metric in sorted(wanted) if f'"{metric}"' not in read
    ]
    for table in resources(template, TABLE):
        watched = [
            alarm
            for alarm in alarms.values()
            if f'"Value": {{"Ref": "{table}"}}' in json.dumps(alarm)
        ]
        if not watched:
            problems.append(f"nobody hears that {table} is throttled")
    return problems


def check_offline_outputs(template: Template) -> list[str]:
    wanted = {
        *("GraphqlUrl", "GraphqlApiId", "UserPoolId", "UserPoolClientId"),
        *("IdentityPoolId", "PhotosBucketName"),
    }
    return [f"there is no output {name}" for name in wanted - set(template.get("Outputs", {}))]
