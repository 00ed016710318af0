"""Rules for the API that devices synchronise with: its resolvers, ways in, users."""

from __future__ import annotations

import itertools
import json
import re

from stacks.settings_offline import RESOLVERS_OF_A_PAGE
from tests.stacks.checks_versioned_tables import RESOLVER, STEP, TABLE, allowed
from tests.stacks.reading import Properties, Template, as_list, resources, text

API, SCHEMA, KEY = "AWS::AppSync::GraphQLApi", "AWS::AppSync::GraphQLSchema", "AWS::AppSync::ApiKey"
ALARM = "AWS::CloudWatch::Alarm"
POOL, CLIENT = "AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient"
ROLES, GROUP = "AWS::Cognito::IdentityPoolRoleAttachment", "AWS::Cognito::UserPoolGroup"
IDENTITIES, FIREWALL = "AWS::Cognito::IdentityPool", "AWS::WAFv2::WebACL"
ASSOCIATION = "AWS::WAFv2::WebACLAssociation"
RUNTIME = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
# What nests deepest of what DataStore asks: syncNotes > items > photo > key.
DEPTH_OF_A_PAGE = 4
LARGEST_CODE = 32_000


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
    """Their own by default, all as a dispatcher, and nothing else is theirs by IAM."""
    problems = []
    own = "/photos/<cognito-identity.amazonaws.com:sub>/*"
    roles = _roles_of_users(template)
    for role, readable in roles.items():
        for actions, targets in allowed(template, role):
            for action, target in itertools.product(sorted(actions), targets):
                ending = {"s3:PutObject": own, "s3:GetObject": readable}.get(action)
                if ending is None or not target.endswith(ending):
                    problems.append(f"{role} may {action} on {target}")
    if sorted(roles.values()) != ["/photos/*", own]:
        problems.append("dispatchers have no role of their own, or others have it")
    return problems


def _roles_of_users(template: Template) -> dict[str, str]:
    """Role -> what it may read, by how the identity pool gives them out."""
    own, all_ = "/photos/<cognito-identity.amazonaws.com:sub>/*", "/photos/*"
    found = {}
    for attachment in resources(template, ROLES).values():
        found[_role(attachment["Roles"]["authenticated"])] = own
        mappings = attachment.get("RoleMappings", {}).values()
        if [(each["Type"], each["AmbiguousRoleResolution"]) for each in mappings] == [
            ("Token", "AuthenticatedRole")
        ]:
            for group in resources(template, GROUP).values():
                if "RoleArn" in group:
                    dispatches = group["GroupName"] == "Dispatchers"
                    found[_role(group["RoleArn"])] = all_ if dispatches else own
    return found


def _role(arn: object) -> str:
    return text(arn).removeprefix("<").removesuffix(".Arn>")


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
