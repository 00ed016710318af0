"""Breaks of the assistant, with the rule that has to notice."""

from __future__ import annotations

from tests.stacks.checks_assistant import (
    ALARM,
    ASKS,
    ENDPOINT,
    FUNCTION,
    GROUP,
    INDEX,
    INGRESS,
    PARAMETERS,
    SCHEDULE,
    STREAMS,
    TABLE,
    USER,
)
from tests.stacks.checks_prompts import GUARDRAIL, GUARDRAIL_VERSION, PROMPT, PROMPT_VERSION
from tests.stacks.mutating import (
    Case,
    Mutation,
    changed,
    independent,
    no_action,
    no_output,
    no_policy,
    one,
    policy,
    told,
    without,
)
from tests.stacks.reading import Template, resources

VARIABLES = ("Environment", "Variables")
CHAT = ("Variants", 0, "TemplateConfiguration", "Chat")


def no_filter(kind: str) -> Mutation:
    def mutate(template: Template) -> None:
        content = one(template, GUARDRAIL)["ContentPolicyConfig"]
        content["FiltersConfig"] = [
            each for each in content["FiltersConfig"] if each["Type"] != kind
        ]

    return mutate


def attack_strength(member: str, value: str) -> Mutation:
    def mutate(template: Template) -> None:
        one(template, GUARDRAIL)["ContentPolicyConfig"]["FiltersConfig"][-1][member] = value

    return mutate


def masked_passwords(template: Template) -> None:
    policies = one(template, GUARDRAIL)["SensitiveInformationPolicyConfig"]
    for entity in policies["PiiEntitiesConfig"]:
        entity["Action"] = "ANONYMIZE"


def newest_prompts(template: Template) -> None:
    """Read what the function is told of, as if no copy were older than the role."""
    policies = one(template, "AWS::IAM::Role", "ChatPermissions")["Policies"]
    (found,) = (each for each in policies if each["PolicyName"] == "prompts")
    (statement,) = found["PolicyDocument"]["Statement"]
    names = resources(template, PROMPT_VERSION)
    statement["Resource"] = [{"Fn::GetAtt": [name, "Arn"]} for name in names]


def unfenced(template: Template) -> None:
    message = one(template, PROMPT, "PromptsRag")["Variants"][0]["TemplateConfiguration"]["Chat"]
    content = message["Messages"][-1]["Content"][0]
    content["Text"] = content["Text"].replace("<documents>", "").replace("</documents>", "")


def obedient(template: Template) -> None:
    chat = one(template, PROMPT, "PromptsRag")["Variants"][0]["TemplateConfiguration"]["Chat"]
    chat["System"] = [{"Text": "Answer from the documents."}]


def among_instructions(template: Template) -> None:
    chat = one(template, PROMPT, "PromptsRag")["Variants"][0]["TemplateConfiguration"]["Chat"]
    chat["System"][0]["Text"] += " {{documents}}"


ASSISTANT_MUTATIONS: list[Case] = [
    (name, "Assistant", mutate, rule)
    for name, mutate, rule in (
        (
            "the draft",
            told("ChatFunction", "GUARDRAIL_VERSION", "DRAFT"),
            "check_guardrail_is_versioned",
        ),
        (
            "a version for ever",
            changed(GUARDRAIL_VERSION, "", "Description", "first"),
            "check_guardrail_is_versioned",
        ),
        (
            "may not apply it",
            no_policy("ChatPermissions", "guardrail"),
            "check_guardrail_is_versioned",
        ),
        ("no filter of hate", no_filter("HATE"), "check_guardrail_policies"),
        (
            "attacks pass",
            attack_strength("InputStrength", "NONE"),
            "check_guardrail_policies",
        ),
        (
            "a strength that is refused",
            attack_strength("OutputStrength", "HIGH"),
            "check_guardrail_policies",
        ),
        ("passwords are only masked", masked_passwords, "check_guardrail_policies"),
        (
            "no grounding",
            without(GUARDRAIL, "", "ContextualGroundingPolicyConfig"),
            "check_guardrail_policies",
        ),
        (
            "a prompt for ever",
            changed(PROMPT_VERSION, "Rag", "Description", "the best"),
            "check_prompts_are_versions",
        ),
        (
            "a technique is missing",
            told("ChatFunction", "PROMPTS", "{}"),
            "check_prompts_are_versions",
        ),
        (
            "prompts cannot be read",
            no_policy("ChatPermissions", "prompts"),
            "check_prompts_are_versions",
        ),
        (
            "a version that never changes",
            changed(FUNCTION, "ChatFunction", "Description", "Groundwork: chat"),
            "check_versions_change_with_what_they_are_told",
        ),
        (
            "tags of a version",
            changed(PROMPT_VERSION, "Rag", "Tags", {"CostCenter": "4711"}),
            "check_no_tags_that_replace",
        ),
        ("the newest versions alone", newest_prompts, "check_prompts_are_versions"),
        ("documents without a fence", unfenced, "check_prompts_fence_what_strangers_wrote"),
        ("documents may order", obedient, "check_prompts_fence_what_strangers_wrote"),
        (
            "documents among instructions",
            among_instructions,
            "check_prompts_fence_what_strangers_wrote",
        ),
        (
            "a variable that is not declared",
            changed(PROMPT, "PromptsRag", *CHAT, "InputVariables", []),
            "check_prompts_fence_what_strangers_wrote",
        ),
        (
            "nothing is forgotten",
            without(TABLE, "Conversations", "TimeToLiveSpecification"),
            "check_conversations",
        ),
        (
            "another sort key",
            changed(TABLE, "Conversations", "KeySchema", 1, "AttributeName", "at"),
            "check_conversations",
        ),
        ("another dimension", changed(INDEX, "", "Dimension", 512), "check_cache"),
        (
            "filterable answers",
            without(INDEX, "", "MetadataConfiguration"),
            "check_cache",
        ),
        ("the cache is locked", no_policy("ChatPermissions", "cache"), "check_cache"),
        ("an unknown cache", told("ChatFunction", "CACHE", "memory"), "check_cache"),
        (
            "another model",
            told("ChatFunction", "MODEL_ID", "amazon.nova-pro-v1:0"),
            "check_model_access",
        ),
        (
            "streams for a function that answers as a whole",
            policy("ChatPermissions", "model", 0, "Action", [ASKS, STREAMS]),
            "check_model_access",
        ),
        (
            "no streams from the model",
            policy("ChatStreamPermissions", "model", 0, "Action", ASKS),
            "check_stream",
        ),
        (
            "the model is not named",
            without(FUNCTION, "ChatFunction", *VARIABLES, "INPUT_PRICE"),
            "check_chat_environment",
        ),
        (
            "too much environment",
            told("ChatFunction", "TENANT_CALLERS", "x" * 4000),
            "check_chat_environment",
        ),
        ("throttling unheard", without(ALARM, "AlarmsModelThrottled"), "check_assistant_alarms"),
        (
            "other prices",
            told("ChatFunction", "OUTPUT_PRICE", "99"),
            "check_assistant_alarms",
        ),
        (
            "the stream for everybody",
            changed("AWS::Lambda::Url", "", "AuthType", "NONE"),
            "check_stream",
        ),
        ("whole answers", without("AWS::Lambda::Url", "", "InvokeMode"), "check_stream"),
        (
            "the stream of AWS's runtime",
            without(FUNCTION, "ChatStreamFunction", *VARIABLES, "AWS_LAMBDA_EXEC_WRAPPER"),
            "check_stream",
        ),
        (
            "a stream from a VPC",
            changed(FUNCTION, "ChatStreamFunction", "VpcConfig", {"SubnetIds": ["subnet-1"]}),
            "check_stream",
        ),
        ("no address", no_output("ChatUrl"), "check_assistant_outputs"),
    )
]
NETWORK_CACHE_MUTATIONS: list[Case] = [
    (name, "Assistant", mutate, rule)
    for name, mutate, rule in (
        ("no vector search", changed(GROUP, "", "EngineVersion", "8.0"), "check_cache"),
        ("without TLS", changed(GROUP, "", "TransitEncryptionMode", "preferred"), "check_cache"),
        (
            "a password",
            changed(USER, "", "AuthenticationMode", {"Type": "password"}),
            "check_cache",
        ),
        ("another user name", changed(USER, "", "UserName", "chat"), "check_cache"),
        (
            "everything may be read",
            changed(USER, "", "AccessString", "on ~* +@all"),
            "check_cache",
        ),
        (
            "no memory for the search",
            changed(PARAMETERS, "", "Properties", "reserved-memory-percent", "10"),
            "check_cache",
        ),
        ("out of reach", without(FUNCTION, "ChatFunction", "VpcConfig"), "check_cache"),
        (
            "a role that makes no interfaces",
            no_action("ChatPermissions", "ec2:CreateNetworkInterface"),
            "check_networks_are_joined_and_left",
        ),
        (
            "interfaces for the code",
            policy("ChatPermissions", "network", 2, "Effect", "Allow"),
            "check_networks_are_joined_and_left",
        ),
        (
            "another function's code",
            policy("ChatPermissions", "network", 2, "Condition", {}),
            "check_networks_are_joined_and_left",
        ),
        (
            "interfaces that stay",
            without("AWS::IAM::Policy", "ChatLeaving"),
            "check_networks_are_joined_and_left",
        ),
        (
            "a group that stays longer",
            independent("AWS::EC2::SecurityGroup", "NetworkSecurityGroup"),
            "check_networks_are_joined_and_left",
        ),
        (
            "permissions that come later",
            changed("AWS::IAM::Policy", "", "PolicyDocument", "Statement", []),
            "check_policies_come_with_the_role",
        ),
        (
            "open to addresses",
            without(INGRESS, "CacheSecurityGroup", "SourceSecurityGroupId"),
            "check_cache",
        ),
        (
            "no way to guardrails",
            without(ENDPOINT, "BedrockRuntime"),
            "check_the_function_reaches_bedrock",
        ),
        (
            "an endpoint that stops prompts",
            changed(
                ENDPOINT,
                "NetworkBedrockAgent1",
                "PolicyDocument",
                "Statement",
                0,
                "Action",
                "bedrock:ListPrompts",
            ),
            "check_the_function_reaches_bedrock",
        ),
        (
            "the model without its profile",
            policy("ChatPermissions", "model", 1, "Condition", {}),
            "check_model_access",
        ),
        (
            "questions in a place that nobody knows",
            no_output("EvaluationQuestionsUri"),
            "check_evaluation",
        ),
        (
            "a schedule of something else",
            changed(SCHEDULE, "", "Target", "Arn", "arn:aws:scheduler:::aws-sdk:bedrock:deleteAll"),
            "check_evaluation",
        ),
        (
            "one job only",
            changed(SCHEDULE, "", "Target", "Input", '{"JobName": "groundwork"}'),
            "check_evaluation",
        ),
        (
            "a role for anybody",
            policy("EvaluationScheduleRole", "evaluation", 1, "Condition", {}),
            "check_evaluation",
        ),
        (
            "a schedule that may name no profile",
            policy(
                "EvaluationScheduleRole",
                "evaluation",
                0,
                "Resource",
                "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0",
            ),
            "check_evaluation",
        ),
        (
            "an evaluation that knows no profile",
            no_action("EvaluationJobRole", "bedrock:GetInferenceProfile"),
            "check_evaluation",
        ),
        (
            "an evaluation without batches",
            no_action("EvaluationJobRole", "bedrock:CreateModelInvocationJob"),
            "check_evaluation",
        ),
        (
            "batches that nothing ends",
            no_action("EvaluationJobRole", "bedrock:StopModelInvocationJob"),
            "check_evaluation",
        ),
        (
            "an evaluation that asks no model",
            no_policy("EvaluationJobRole", "models"),
            "check_evaluation",
        ),
    )
]
