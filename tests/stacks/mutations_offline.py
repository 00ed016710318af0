"""Breaks of the API that devices synchronise with, with the rule that has to notice."""

from __future__ import annotations

from typing import Any

from tests.stacks.checks_offline import (
    ALARM,
    API,
    ASSOCIATION,
    CLIENT,
    FIREWALL,
    GROUP,
    IDENTITIES,
    KEY,
    POOL,
    ROLES,
    SCHEMA,
)
from tests.stacks.checks_versioned_tables import RESOLVER, ROLE, SOURCE, STEP, TABLE
from tests.stacks.mutating import Case, Mutation, changed, one, without
from tests.stacks.reading import Template, resources

DELTA = ("DynamoDBConfig", "DeltaSyncConfig")


def step(name: str) -> Any:
    def find(template: Template) -> dict[str, Any]:
        return next(each for each in resources(template, STEP).values() if each["Name"] == name)

    return find


def code(name: str, old: str, new: str) -> Mutation:
    """Change the code of a step."""

    def mutate(template: Template) -> None:
        found = step(name)(template)
        assert old in found["Code"]
        found["Code"] = found["Code"].replace(old, new)

    return mutate


def step_property(name: str, key: str, value: Any) -> Mutation:
    def mutate(template: Template) -> None:
        step(name)(template)[key] = value

    return mutate


def policy(role: str, index: int, resource: int) -> Mutation:
    """Drop a resource of the first statement of a policy."""

    def mutate(template: Template) -> None:
        statement = one(template, ROLE, role)["Policies"][index]["PolicyDocument"]["Statement"][0]
        del statement["Resource"][resource]

    return mutate


def without_policy(role: str, name: str) -> Mutation:
    def mutate(template: Template) -> None:
        found = one(template, ROLE, role)
        found["Policies"] = [each for each in found["Policies"] if each["PolicyName"] != name]

    return mutate


def direct_write(template: Template) -> None:
    """The conflict handler writes to the table itself."""
    table = next(name for name in resources(template, TABLE) if "WorkOrder" in name)
    one(template, ROLE, "ConflictResolver")["Policies"].append(
        {
            "PolicyName": "shortcut",
            "PolicyDocument": {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "dynamodb:PutItem",
                        "Resource": {"Fn::GetAtt": [table, "Arn"]},
                    }
                ]
            },
        }
    )


def photos_of_everybody(template: Template) -> None:
    role = one(template, ROLE, "SignedIn")
    role["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = [
        "s3:PutObject",
        "s3:DeleteObject",
    ]


def all_photos(template: Template) -> None:
    """Whoever is signed in reads what everybody has put."""
    role = one(template, ROLE, "SignedIn")
    statement = role["Policies"][0]["PolicyDocument"]["Statement"][-1]
    bucket = statement["Resource"]["Fn::Join"][1][0]
    statement["Resource"] = {"Fn::Join": ["", [bucket, "/photos/*"]]}


def photos_for_technicians(template: Template) -> None:
    one(template, GROUP, "Technicians")["RoleArn"] = one(template, GROUP, "Dispatchers").pop(
        "RoleArn"
    )


def without_mappings(template: Template) -> None:
    del one(template, ROLES, "")["RoleMappings"]


def any_pool(template: Template) -> None:
    trust = one(template, ROLE, "SignedIn")["AssumeRolePolicyDocument"]["Statement"][0]
    del trust["Condition"]["StringEquals"]


def before_the_schema(template: Template) -> None:
    name = next(iter(resources(template, RESOLVER)))
    del template["Resources"][name]["DependsOn"]


def nobody_may(template: Template) -> None:
    resolver = one(template, RESOLVER, "MutationCreateSite")
    resolver["Code"] = resolver["Code"].replace('"Dispatchers"', "")


def strategy(old: str, new: str) -> Mutation:
    def mutate(template: Template) -> None:
        for each in resources(template, STEP).values():
            if each.get("SyncConfig", {}).get("ConflictHandler") == old:
                each["SyncConfig"] = {"ConflictDetection": "VERSION", "ConflictHandler": new}

    return mutate


OFFLINE_MUTATIONS: list[Case] = [
    (
        "a source without versions",
        "Offline",
        changed(SOURCE, "Site", "DynamoDBConfig", "Versioned", False),
        "check_sources_are_versioned",
    ),
    (
        "seconds taken for minutes",
        "Offline",
        changed(SOURCE, "Site", *DELTA, "DeltaSyncTableTTL", "86400"),
        "check_sources_are_versioned",
    ),
    (
        "another delta table",
        "Offline",
        changed(SOURCE, "Site", *DELTA, "DeltaSyncTableName", "other"),
        "check_sources_are_versioned",
    ),
    (
        "no way to the delta table",
        "Offline",
        policy("WorkOrderRole", 0, 1),
        "check_sources_may_reach_their_tables",
    ),
    (
        "no way to an index",
        "Offline",
        without_policy("NoteRole", "indexes"),
        "check_sources_may_reach_their_tables",
    ),
    (
        "other keys of the delta table",
        "Offline",
        changed(TABLE, "Delta", "KeySchema", 0, "AttributeName", "pk"),
        "check_delta_table",
    ),
    (
        "tombstones for ever",
        "Offline",
        without(TABLE, "Note", "TimeToLiveSpecification"),
        "check_tables",
    ),
    (
        "protected in dev",
        "Offline",
        changed(TABLE, "Site", "DeletionProtectionEnabled", True),
        "check_tables",
    ),
    (
        "a table that cannot be recovered",
        "Offline",
        without(TABLE, "Site", "PointInTimeRecoverySpecification"),
        "check_tables",
    ),
    (
        "everything at every synchronisation",
        "Offline",
        code("Note_sync", "lastSync: lastSync || null,", ""),
        "check_synchronisation",
    ),
    (
        "a scan for a synchronisation",
        "Offline",
        code("Note_sync", "'Sync'", "'Scan'"),
        "check_synchronisation",
    ),
    (
        "a mapping template",
        "Offline",
        step_property("Site_get", "RequestMappingTemplate", "{}"),
        "check_runtime",
    ),
    (
        "a conflict without the item",
        "Offline",
        code("Note_update", ", ctx.result)", ")"),
        "check_runtime",
    ),
    ("no runtime", "Offline", step_property("Site_get", "Runtime", {}), "check_runtime"),
    (
        "a change without a version",
        "Offline",
        code("WorkOrder_update", "_version: input._version ?? 0,", ""),
        "check_versions_are_asked",
    ),
    (
        "a step that detects no conflict",
        "Offline",
        step_property("Site_update", "SyncConfig", {"ConflictDetection": "NONE"}),
        "check_conflicts",
    ),
    (
        "no permission for the handler",
        "Offline",
        without_policy("WorkOrderRole", "conflicts"),
        "check_conflicts",
    ),
    ("one strategy less", "Offline", strategy("LAMBDA", "AUTOMERGE"), "check_conflicts"),
    ("a direct write", "Offline", direct_write, "check_nobody_else_writes"),
    (
        "a key for everybody",
        "Offline",
        changed(API, "", "AuthenticationType", "API_KEY"),
        "check_ways_in",
    ),
    ("a key that is gone", "Offline", without(KEY, ""), "check_ways_in"),
    (
        "a schema that knows no key",
        "Offline",
        changed(SCHEMA, "", "Definition", "type Query { a: Int }"),
        "check_ways_in",
    ),
    ("no depth", "Offline", without(API, "", "QueryDepthLimit"), "check_limits"),
    (
        "too few resolvers for a page",
        "Offline",
        changed(API, "", "ResolverCountLimit", 100),
        "check_limits",
    ),
    (
        "contents in the log",
        "Offline",
        changed(API, "", "LogConfig", "ExcludeVerboseContent", False),
        "check_api_is_observed",
    ),
    ("no trace", "Offline", changed(API, "", "XrayEnabled", False), "check_api_is_observed"),
    (
        "logs of nobody",
        "Offline",
        changed("AWS::Logs::LogGroup", "OfflineLogs", "LogGroupName", "/aws/appsync/apis/x"),
        "check_api_is_observed",
    ),
    ("before the schema", "Offline", before_the_schema, "check_resolvers"),
    ("a resolver for nobody", "Offline", nobody_may, "check_resolvers"),
    (
        "subscriptions without a filter",
        "Offline",
        code("subscribe", "extensions.setSubscriptionFilter(", "extensions.ignore("),
        "check_subscriptions_are_filtered",
    ),
    (
        "strangers sign up",
        "Offline",
        changed(POOL, "", "AdminCreateUserConfig", "AllowAdminCreateUserOnly", False),
        "check_users",
    ),
    ("a secret for devices", "Offline", changed(CLIENT, "", "GenerateSecret", True), "check_users"),
    (
        "strangers get credentials",
        "Offline",
        changed(IDENTITIES, "", "AllowUnauthenticatedIdentities", True),
        "check_users",
    ),
    ("photos deleted", "Offline", photos_of_everybody, "check_users_reach_photos_alone"),
    ("all photos", "Offline", all_photos, "check_users_reach_photos_alone"),
    (
        "photos for technicians",
        "Offline",
        photos_for_technicians,
        "check_users_reach_photos_alone",
    ),
    (
        "roles of groups unused",
        "Offline",
        without_mappings,
        "check_users_reach_photos_alone",
    ),
    ("any identity pool", "Offline", any_pool, "check_trusts"),
    (
        "nobody hears of untold subscribers",
        "Offline",
        without(ALARM, "AlarmsUntold"),
        "check_offline_alarms",
    ),
    (
        "nobody hears of throttling",
        "Offline",
        without(ALARM, "AlarmsDelta"),
        "check_offline_alarms",
    ),
    (
        "an output less",
        "Offline",
        lambda t: t["Outputs"].pop("GraphqlUrl"),
        "check_offline_outputs",
    ),
]
FIREWALL_MUTATIONS: list[Case] = [
    (
        "a firewall in front of nothing",
        "Offline",
        without(ASSOCIATION, ""),
        "check_firewall",
    ),
    (
        "an address that asks for everything",
        "Offline",
        lambda t: one(t, FIREWALL)["Rules"].pop(),
        "check_firewall",
    ),
    (
        "introspection in prod",
        "Offline",
        changed(API, "", "IntrospectionConfig", "ENABLED"),
        "check_ways_in",
    ),
    (
        "unprotected in prod",
        "Offline",
        changed(TABLE, "Site", "DeletionProtectionEnabled", False),
        "check_tables",
    ),
]
