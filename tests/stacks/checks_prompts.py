"""Rules for what the assistant is told and guarded by: prompts and the guardrail."""

from __future__ import annotations

import json
import re

from stacks.constructs.vector_stores.vector_store import fingerprint
from tests.stacks.checks_assistant import FUNCTION, allowed, environment
from tests.stacks.reading import Template, as_list, resources, text

GUARDRAIL, GUARDRAIL_VERSION = "AWS::Bedrock::Guardrail", "AWS::Bedrock::GuardrailVersion"
PROMPT, PROMPT_VERSION = "AWS::Bedrock::Prompt", "AWS::Bedrock::PromptVersion"
TECHNIQUES = {
    "chain_of_thought",
    "generated_knowledge",
    "n_shot",
    "rag",
    "react",
    "self_consistency",
    "zero_shot",
}
HELPING = {"knowledge", "rewrite", "summary"}
VARIABLE = re.compile(r"\{\{(\w+)\}\}")
DIGEST = re.compile(r"[0-9a-f]{12}$")
SECRETS = {"PASSWORD", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "CREDIT_DEBIT_CARD_NUMBER"}


def check_guardrail_is_versioned(template: Template) -> list[str]:
    """The function uses a version, which changes with what it says."""
    told = environment(template)
    drafts = resources(template, GUARDRAIL)
    if not drafts:
        return [] if not told["GUARDRAIL_ID"] else ["the function believes in a guardrail"]
    ((draft, _),) = drafts.items()
    problems = []
    for name, version in resources(template, GUARDRAIL_VERSION).items():
        if draft not in text(version["GuardrailIdentifier"]):
            problems.append(f"{name} is a version of something else")
        if not DIGEST.search(version.get("Description", "")):
            problems.append(f"{name} stays when the guardrail changes")
        if text(told["GUARDRAIL_VERSION"]) != f"<{name}.Version>":
            problems.append("the function uses another version")
    if draft not in text(told["GUARDRAIL_ID"]):
        problems.append("the function uses another guardrail")
    arns = [text(each["Resource"]) for each in allowed(template, "guardrail")]
    if arns != [f"<{draft}.GuardrailArn>"]:
        problems.append("the function may not apply its guardrail")
    return problems


def check_guardrail_policies(template: Template) -> list[str]:
    """Content, attacks on the prompt, personal data, words, grounding."""
    problems = []
    for name, draft in resources(template, GUARDRAIL).items():
        filters = {
            each["Type"]: each
            for each in draft.get("ContentPolicyConfig", {}).get("FiltersConfig", [])
        }
        attack = filters.get("PROMPT_ATTACK", {})
        entities = {
            each["Type"]: each["Action"]
            for each in draft.get("SensitiveInformationPolicyConfig", {}).get(
                "PiiEntitiesConfig", []
            )
        }
        grounding = {
            each["Type"]: each["Threshold"]
            for each in draft.get("ContextualGroundingPolicyConfig", {}).get("FiltersConfig", [])
        }
        wrong = (
            (len(filters) != 6, "leaves some harmful content to chance"),
            (attack.get("OutputStrength") != "NONE", "has a strength that Bedrock refuses"),
            (attack.get("InputStrength") in (None, "NONE"), "lets attacks on the prompt through"),
            (
                any(entities.get(each) != "BLOCK" for each in SECRETS),
                "lets secrets through",
            ),
            (set(grounding) != {"GROUNDING", "RELEVANCE"}, "does not look at the documents"),
            (
                not draft.get("WordPolicyConfig", {}).get("ManagedWordListsConfig"),
                "lets profanity through",
            ),
        )
        problems += [f"{name} {problem}" for found, problem in wrong if found]
        for topic in draft.get("TopicPolicyConfig", {}).get("TopicsConfig", []):
            longest = max(len(each) for each in topic["Examples"])
            if len(topic["Definition"]) > 200 or longest > 100 or len(topic["Examples"]) > 5:
                problems.append(f"{topic['Name']} is longer than Bedrock takes")
    return problems


def check_prompts_are_versions(template: Template) -> list[str]:
    """Every technique has a version of its own; the function may read it and those before it, which
    copies that a deployment replaces still ask for when the role has changed already.
    """
    told = json.loads(text(environment(template)["PROMPTS"]))
    versions = resources(template, PROMPT_VERSION)
    problems = [f"there is no prompt {name}" for name in (TECHNIQUES | HELPING) - told.keys()]
    for name, arn in told.items():
        found = re.fullmatch(r"<(\w+)\.Arn>", arn)
        version = versions.get(found.group(1), {}) if found else {}
        if not version:
            problems.append(f"{name} is not a version")
        elif not DIGEST.search(version.get("Description", "")):
            problems.append(f"{name} stays when its text changes")
    may = {text(arn) for each in allowed(template, "prompts") for arn in as_list(each["Resource"])}
    wanted = {f"{text(each['PromptArn'])}:*" for each in versions.values()}
    problems += [f"the function may not read {each}" for each in sorted(wanted - may)]
    return problems + [f"the function may read {each}" for each in sorted(may - wanted)]


def check_versions_change_with_what_they_are_told(template: Template) -> list[str]:
    """The function's version has its environment as it was when it was published, and is only
    published anew when its own template changes: what is replaced has to show there.
    """
    told = [each["Description"] for each in resources(template, PROMPT_VERSION).values()]
    digests = [fingerprint(*sorted(told))]
    digests += [each["Description"] for each in resources(template, GUARDRAIL_VERSION).values()]
    return [
        f"{name} goes on with {digest} when it is replaced"
        for name, function in resources(template, FUNCTION).items()
        for digest in digests
        if digest not in function.get("Description", "").split()
    ]


def check_prompts_fence_what_strangers_wrote(template: Template) -> list[str]:
    """Documents and what was said stand between tags, and are said to be no instructions."""
    problems = []
    for name, prompt in resources(template, PROMPT).items():
        (variant,) = prompt["Variants"]
        chat = variant["TemplateConfiguration"]["Chat"]
        system = " ".join(each["Text"] for each in chat["System"])
        asked = chat["Messages"][-1]["Content"][0]["Text"]
        declared = {each["Name"] for each in chat["InputVariables"]}
        if declared != set(VARIABLE.findall(system + asked)):
            problems.append(f"{name} declares other variables than it has")
        if VARIABLE.search(system):
            problems.append(f"{name} has what strangers wrote among its instructions")
        for variable, tag in (
            ("documents", "documents"),
            ("history", "conversation"),
            ("knowledge", "statements"),
            ("question", "question"),
        ):
            held = re.search(rf"<{tag}>\s*\{{\{{{variable}\}}\}}\s*</{tag}>", asked)
            if variable in declared and not held:
                problems.append(f"{name} does not fence {variable}")
        if declared & {"documents", "history"} and "no instruction" not in system:
            problems.append(f"{name} does not say what a document may not do")
    return problems


PROMPT_CHECKS = (
    check_guardrail_is_versioned,
    check_guardrail_policies,
    check_prompts_are_versions,
    check_versions_change_with_what_they_are_told,
    check_prompts_fence_what_strangers_wrote,
)
