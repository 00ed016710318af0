"""Rules for the assistant. Each returns what is wrong, in words."""

from __future__ import annotations

import re
from typing import Any

from stacks.inference_profiles import REACH
from stacks.settings_assistant import LONGEST_TENANT_CALLERS
from tests.stacks import checks_functions
from tests.stacks.reading import Properties, Template, as_list, named, resources, statements, text

FUNCTION, ROLE, ALARM = "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::CloudWatch::Alarm"
TABLE, INDEX = "AWS::DynamoDB::Table", "AWS::S3Vectors::Index"
GROUP, USER = "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::User"
USERS, PARAMETERS = "AWS::ElastiCache::UserGroup", "AWS::ElastiCache::ParameterGroup"
ENDPOINT, INGRESS = "AWS::EC2::VPCEndpoint", "AWS::EC2::SecurityGroupIngress"
WRAPPER = "/var/task/chat/stream"
SCHEDULE, URL = "AWS::Scheduler::Schedule", "AWS::Lambda::Url"
ASKS, STREAMS = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
MODEL_ARN = re.compile(r'arn:[^"]+:(?:foundation-model|inference-profile)/[^"]+')
BATCHES = "arn:<AWS::Partition>:bedrock:<AWS::Region>:<AWS::AccountId>:model-invocation-job/*"
# What Bedrock does with the role of an evaluation, about every model that the job names.
# https://docs.aws.amazon.com/bedrock/latest/userguide/rag-eval-service-roles.html
EVALUATES = (ASKS, STREAMS, "bedrock:CreateModelInvocationJob")


def environment(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = named(template, FUNCTION, "ChatFunction")["Environment"]["Variables"]
    return found


def allowed(
    template: Template, policy: str, *, owner: str = "ChatPermissions"
) -> list[dict[str, Any]]:
    """Statements of one policy of the function's role; none when there is no such policy."""
    role = named(template, ROLE, owner)
    return [
        statement
        for each in role["Policies"]
        if each["PolicyName"] == policy
        for statement in statements(each["PolicyDocument"])
    ]


def check_conversations(template: Template) -> list[str]:
    """Keys and expiry as they are written; nothing to pay while nobody asks."""
    table = named(template, TABLE, "Conversations")
    keys = [(each["AttributeName"], each["KeyType"]) for each in table["KeySchema"]]
    wrong = (
        (keys != [("conversation", "HASH"), ("turn", "RANGE")], "has other keys than are written"),
        (
            table.get("TimeToLiveSpecification")
            != {"AttributeName": "expires_at", "Enabled": True},
            "never forgets",
        ),
        (table.get("BillingMode") != "PAY_PER_REQUEST", "is paid for while nobody asks"),
    )
    problems = [f"the table {problem}" for found, problem in wrong if found]
    actions = {a for s in allowed(template, "conversations") for a in as_list(s["Action"])}
    if actions != {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}:
        problems.append("the function may do more or less than remember")
    return problems


def check_cache(template: Template) -> list[str]:
    """The cache that the function is told of is there, takes its vectors, and lets it in."""
    told = environment(template)
    kind = told.get("CACHE")
    if kind == "s3_vectors":
        return _on_s3(template, told)
    if kind == "valkey":
        return _in_network(template, told)
    return [] if kind == "off" else [f"there is no cache {kind}"]


def _on_s3(template: Template, told: dict[str, Any]) -> list[str]:
    ((name, index),) = resources(template, INDEX).items()
    metadata = index.get("MetadataConfiguration", {}).get("NonFilterableMetadataKeys")
    may = {a for each in allowed(template, "cache") for a in as_list(each["Action"])}
    wrong = (
        (str(index["Dimension"]) != told["EMBEDDING_DIMENSION"], "takes other vectors"),
        (index["DistanceMetric"] != "cosine", "measures something else than similarity"),
        (metadata != ["entry"], "takes answers of 2 KB at most"),
        (text(told.get("CACHE_INDEX_ARN", "")) != f"<{name}.IndexArn>", "is unknown"),
        (
            may != {f"s3vectors:{verb}Vectors" for verb in ("Delete", "Get", "Put", "Query")},
            "cannot be used by the function",
        ),
    )
    return [f"{name} {problem}" for found, problem in wrong if found]


def _in_network(template: Template, told: dict[str, Any]) -> list[str]:
    ((name, group),) = resources(template, GROUP).items()
    user = next(iter(resources(template, USER).values()))
    (users,) = resources(template, USERS).values()
    (parameters,) = resources(template, PARAMETERS).values()
    function = named(template, FUNCTION, "ChatFunction")
    several = group["NumCacheClusters"] > 1
    wrong = (
        (group["Engine"] != "valkey" or group["EngineVersion"] < "8.2", "has no vector search"),
        (group.get("TransitEncryptionMode") != "required", "can be reached without TLS"),
        (not group.get("AtRestEncryptionEnabled"), "is not encrypted"),
        (group.get("AutomaticFailoverEnabled") is not several, "does not fail over"),
        (user["AuthenticationMode"] != {"Type": "iam"}, "has a password"),
        (user["UserId"] != user["UserName"], "has a user whom IAM does not know"),
        (len(users["UserIds"]) != 1, "lets others in"),
        ("~answer:*" not in user["AccessString"], "lets the function read everything"),
        ("+@all" in user["AccessString"], "lets the function do everything"),
        (
            int(parameters["Properties"]["reserved-memory-percent"]) < 30,
            "leaves no memory to the search",
        ),
        (not text(told["CACHE_ENDPOINT"]).startswith("rediss://"), "is not asked over TLS"),
        ("VpcConfig" not in function, "cannot be reached by the function"),
    )
    problems = [f"{name} {problem}" for found, problem in wrong if found]
    for ingress, rule in resources(template, INGRESS).items():
        if "SourceSecurityGroupId" not in rule:
            problems.append(f"{ingress} lets addresses in")
    return problems


def check_the_function_reaches_bedrock(template: Template) -> list[str]:
    """From the network by endpoints, or by a NAT gateway, which is not of this stack."""
    function = named(template, FUNCTION, "ChatFunction")
    endpoints = {text(each["ServiceName"]): each for each in resources(template, ENDPOINT).values()}
    if "VpcConfig" not in function:
        return ["endpoints that nobody needs"] if endpoints else []
    if not endpoints:
        return []
    services = {name.rpartition(".")[2] for name in endpoints}
    problems = [
        f"there is no endpoint of {service}"
        for service in {"bedrock-agent", "bedrock-agent-runtime", "bedrock-runtime"} - services
    ]
    called = {
        action
        for policy in ("model", "embedding", "prompts", "guardrail", "knowledge")
        for statement in allowed(template, policy)
        for action in as_list(statement["Action"])
        if action.startswith("bedrock:")
    }
    let_through = {
        action
        for each in endpoints.values()
        for statement in statements(each.get("PolicyDocument"))
        for action in as_list(statement["Action"])
    }
    return problems + [f"endpoints stop {action}" for action in called - let_through]


def check_model_access(template: Template) -> list[str]:
    """The model that is asked, in every Region that its profile sends requests to."""
    model = environment(template)["MODEL_ID"]
    found = allowed(template, "model")
    problems = [
        "the function may not ask as it does, or more than it does"
        for each in found
        if as_list(each["Action"]) != [ASKS]
    ]
    geography, _, name = model.partition(".")
    arns = [text(arn) for each in found for arn in as_list(each["Resource"])]
    if name not in REACH:
        wanted = f":foundation-model/{model}"
        return problems + [f"may ask {arn}" for arn in arns if not arn.endswith(wanted)]
    if not any(arn.endswith(f":inference-profile/{model}") for arn in arns):
        problems.append(f"the function may not use the profile {model}")
    problems += [
        f"requests that are sent to {region} fail"
        for region in ("<AWS::Region>", *REACH[name].profiles[geography])
        if not any(arn.endswith(f":{region}::foundation-model/{name}") for arn in arns)
    ]
    return problems + [
        "the model may be asked without its profile"
        for each in found
        if "foundation-model" in text(each["Resource"])
        and "bedrock:InferenceProfileArn" not in str(each.get("Condition"))
    ]


def check_chat_environment(template: Template) -> list[str]:
    wanted = {
        "KNOWLEDGE_BASE_ID",
        "KNOWLEDGE_TABLE",
        "CONVERSATIONS_TABLE",
        "MODEL_ID",
        "GUARDRAIL_ID",
        "GUARDRAIL_VERSION",
        "PROMPTS",
        "MEMORY_DAYS",
        "EMBEDDING_MODEL_ID",
        "EMBEDDING_DIMENSION",
        "CACHE",
        "INPUT_PRICE",
        "OUTPUT_PRICE",
    }
    told = environment(template)
    problems = [f"the function is not told {name}" for name in wanted - told.keys()]
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; an ARN has some 90
    lengths = {name: len(re.sub(r"<[^>]+>", "x" * 90, text(told[name]))) for name in told}
    for name, most in (
        ("AWS_LAMBDA_EXEC_WRAPPER", len(WRAPPER)),
        ("TENANT_CALLERS", LONGEST_TENANT_CALLERS),
        ("TENANT_METADATA_KEY", 100),
    ):
        lengths[name] = max(lengths.get(name, 0), most)
    size = sum(len(name) + length for name, length in lengths.items())
    return problems + ([f"the environment may have {size} bytes"] if size > 4096 else [])


def check_assistant_alarms(template: Template) -> list[str]:
    """Throttling, errors, slowness, cost, interventions."""
    told = environment(template)
    alarms = resources(template, ALARM)
    wanted = ["ModelThrottled", "ModelErrors", "SlowAnswers", "MemoryThrottled", "Cost"]
    if told["GUARDRAIL_ID"]:
        wanted.append("GuardrailInterventions")
    problems = [
        f"there is no alarm {part}"
        for part in wanted
        if not any(name.startswith(f"Alarms{part}") for name in alarms)
    ]
    for name, alarm in alarms.items():
        if "AWS/Bedrock'" in str(alarm) and told["MODEL_ID"] not in str(alarm):
            problems.append(f"{name} watches another model")
        if name.startswith("AlarmsCost"):
            prices = (told.get("INPUT_PRICE", "?"), told.get("OUTPUT_PRICE", "?"))
            formula = alarm["Metrics"][0]["Expression"]
            if not all(price in formula for price in prices):
                problems.append("the cost is reckoned with other prices")
    return problems


def check_evaluation(template: Template) -> list[str]:
    """The schedule may start a job and pass one role, to Bedrock alone."""
    problems = []
    for name, schedule in resources(template, SCHEDULE).items():
        target: Properties = schedule["Target"]
        if not text(target["Arn"]).endswith(":scheduler:::aws-sdk:bedrock:createEvaluationJob"):
            problems.append(f"{name} calls something else")
        if "<aws.scheduler.execution-id>" not in text(target["Input"]):
            problems.append(f"{name} can start one job only: its name is taken then")
        if not target.get("DeadLetterConfig"):
            problems.append(f"{name} fails unnoticed")
        if text(
            template["Outputs"].get("EvaluationQuestionsUri", {}).get("Value", "nowhere")
        ) not in text(target["Input"]):
            problems.append(f"{name} reads questions that nobody is told to write")
        role = named(template, ROLE, "EvaluationScheduleRole")
        passing = [
            each
            for policy in role["Policies"]
            for each in statements(policy["PolicyDocument"])
            if "iam:PassRole" in as_list(each["Action"])
        ]
        if len(passing) != 1 or "JobRole" not in text(passing[0]["Resource"]):
            problems.append(f"{name} may pass other roles")
        elif "iam:PassedToService" not in str(passing[0].get("Condition")):
            problems.append(f"{name} may pass the role to anybody")
        problems += _evaluates(template, asked=set(MODEL_ARN.findall(text(target["Input"]))))
    return problems


def _evaluates(template: Template, *, asked: set[str]) -> list[str]:
    """What the two roles may not do, although the job asks for it."""
    job, schedule = (_may(template, f"Evaluation{each}") for each in ("JobRole", "ScheduleRole"))
    wanted = {
        *((job, action, model) for model in asked for action in EVALUATES),
        *((schedule, "bedrock:CreateEvaluationJob", model) for model in asked),
        *(
            (job, "bedrock:GetInferenceProfile", model)
            for model in asked
            if ":inference-profile/" in model
        ),
        (job, "bedrock:StopModelInvocationJob", BATCHES),
    }
    return [
        f"{action} is refused on {model}"
        for role, action, model in sorted(wanted, key=str)
        if (action, model) not in role
    ]


def _may(template: Template, owner: str) -> frozenset[tuple[str, str]]:
    """Every action that a role may take, with what it may take it on."""
    return frozenset(
        (action, text(resource))
        for policy in named(template, ROLE, owner)["Policies"]
        for statement in statements(policy["PolicyDocument"])
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    )


def check_stream(template: Template) -> list[str]:
    """Word by word, to callers who sign, from the alias of a function that runs the loop."""
    problems = []
    for name, url in resources(template, URL).items():
        wrong = (
            (url.get("AuthType") != "AWS_IAM", "is open to everybody"),
            (url.get("InvokeMode") != "RESPONSE_STREAM", "answers as a whole"),
            (url.get("Qualifier") != "live", "is not of the alias"),
        )
        problems += [f"{name} {problem}" for found, problem in wrong if found]
        function = resources(template, FUNCTION)[text(url["TargetFunctionArn"])[1:].split(".")[0]]
        if "VpcConfig" in function:
            problems.append(f"{name}: its function is in a VPC, from where URLs do not stream")
        variables = function["Environment"]["Variables"]
        if variables.get("AWS_LAMBDA_EXEC_WRAPPER") != WRAPPER:
            problems.append(f"{name}: its function answers as a whole")
        others = {
            key: value for key, value in variables.items() if key != "AWS_LAMBDA_EXEC_WRAPPER"
        }
        if others != environment(template):
            problems.append(f"{name}: its function answers otherwise than POST /chat")
        streams = allowed(template, "model", owner="ChatStreamPermissions")
        if not streams or any(set(as_list(each["Action"])) != {ASKS, STREAMS} for each in streams):
            problems.append(f"{name}: its function may not let the model stream")
    return problems


def check_assistant_outputs(template: Template) -> list[str]:
    wanted = {"ChatUrl", "ChatFunctionArn", "ConversationsTableName", "CacheStore", "ModelId"}
    return [f"there is no output {name}" for name in wanted - set(template.get("Outputs", {}))]


ASSISTANT_CHECKS = (
    check_conversations,
    check_cache,
    check_the_function_reaches_bedrock,
    check_model_access,
    check_chat_environment,
    check_assistant_alarms,
    check_evaluation,
    check_stream,
    check_assistant_outputs,
    checks_functions.check_function_runs_on_graviton,
    checks_functions.check_function_logs,
    checks_functions.check_role_per_function,
    checks_functions.check_networks_are_joined_and_left,
    checks_functions.check_alias_points_at_a_version,
    checks_functions.check_only_the_alias_is_invoked,
    checks_functions.check_permissions_name_their_source,
    checks_functions.check_one_strategy,
    checks_functions.check_function_alarms,
    checks_functions.check_alarms_reach_somebody,
    checks_functions.check_routes_are_guarded,
    checks_functions.check_api_is_limited_and_logged,
    checks_functions.check_api_waits_for_its_functions,
)
