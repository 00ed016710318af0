"""Pitfalls of ingestion and of the assistant: each has a test named after it."""

from __future__ import annotations

import copy
import json

import pytest

from stacks.settings import SettingsError, load_settings
from tests.stacks import checks_assistant, checks_ingestion, checks_messages, checks_prompts
from tests.stacks.checks_ingestion import MAPPING, QUEUE
from tests.stacks.reading import Template, named, resources, text
from tests.stacks.synthesis import VARIANTS, context


@pytest.fixture(params=sorted(VARIANTS))
def knowledge(request, templates) -> Template:
    return copy.deepcopy(templates[request.param]["Knowledge"])


@pytest.fixture(params=sorted(VARIANTS))
def assistant(request, templates) -> Template:
    return copy.deepcopy(templates[request.param]["Assistant"])


def test_pitfall_10_the_queue_of_changes_hides_messages_long_enough(knowledge: Template) -> None:
    assert resources(knowledge, MAPPING)
    assert checks_messages.check_lambda_consumers_have_time(knowledge) == []
    named(knowledge, QUEUE, "Changes")["VisibilityTimeout"] -= 1
    assert checks_messages.check_lambda_consumers_have_time(knowledge)


def test_pitfall_32_one_ingestion_job_at_a_time_and_nothing_is_lost_by_waiting(
    knowledge: Template,
) -> None:
    assert checks_ingestion.check_bursts_merge(knowledge) == []
    assert checks_ingestion.check_changes_wait_as_long_as_it_takes(knowledge) == []
    assert checks_ingestion.check_changes_become_messages(knowledge) == []


def test_pitfall_33_a_cached_answer_ends_with_the_next_ingestion(assistant: Template) -> None:
    """What is complete is searchable minutes later; the function knows when it was complete."""
    told = checks_assistant.environment(assistant)
    assert "Progress" in text(told["KNOWLEDGE_TABLE"])
    actions = str(checks_assistant.allowed(assistant, "knowledge"))
    assert "dynamodb:GetItem" in actions


@pytest.mark.parametrize("variant", ["dev", "nat", "keys", "quiet"])
def test_pitfall_36_a_profile_needs_the_model_in_every_region(templates, variant: str) -> None:
    template = templates[variant]["Assistant"]
    assert checks_assistant.check_model_access(template) == []
    arns = {
        text(arn)
        for statement in checks_assistant.allowed(template, "model")
        for arn in checks_assistant.as_list(statement["Resource"])
    }
    assert len(arns) == {"dev": 1, "nat": 6, "keys": 5, "quiet": 3}[variant]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            {"assistant.inference_profile": "global"},
            "amazon.nova-lite-v1:0 has no inference profile global",
        ),
        (
            {"assistant.model": "anthropic.claude-haiku-4-5-20251001-v1:0"},
            "only to be had through an inference profile: set inference_profile to us or eu",
        ),
        (
            {
                "assistant.evaluation": "true",
                "assistant.model": "anthropic.claude-haiku-4-5-20251001-v1:0",
                "assistant.inference_profile": "global",
            },
            "evaluation_judge: amazon.nova-pro-v1:0 has no inference profile global: set us or eu "
            "or apac; or choose another judge",
        ),
        ({"assistant.evaluation": "true"}, "no page says that it does: set model to anthropic"),
        ({"assistant.pinned_prompts": "rag.v99"}, "there is no prompts/rag.v99.toml"),
        ({"assistant.evaluation_questions": "a.jsonl"}, "set evaluation to true, or remove it"),
        ({"chat.timeout_seconds": "30"}, "the API gives up after 30 seconds"),
        ({"ingestion.cold_starts": "keep_warm"}, "nobody waits for this function"),
        ({"ingestion.reserved_concurrency": "1"}, "the queue starts two copies at least"),
        (
            {"assistant.cache": "valkey"},
            "do not stream from there: set streaming to false, or cache to s3_vectors",
        ),
        (
            {
                "assistant.tenant_callers": ",".join(
                    f"arn:aws:sts::111122223333:assumed-role/Portal{each:03}/" for each in range(21)
                )
            },
            "tenant_callers has 1049 characters, and 1000 fit",
        ),
        ({"assistant.cache_similarity": "0.5"}, "assistant.cache_similarity"),
    ],
)
def test_settings_that_cannot_work_say_what_to_do(override: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_settings(context(override))


def test_the_draft_of_a_prompt_or_guardrail_is_republished_when_it_changes(templates) -> None:
    """A version's description has a digest, so that CloudFormation makes another version."""
    dev, keys = templates["dev"]["Assistant"], templates["keys"]["Assistant"]
    kind = checks_prompts.GUARDRAIL_VERSION
    assert _descriptions(dev, kind) != _descriptions(keys, kind)
    assert _descriptions(dev, checks_prompts.PROMPT_VERSION) == _descriptions(
        keys, checks_prompts.PROMPT_VERSION
    )


def _descriptions(template: Template, kind: str) -> list[str]:
    return [each["Description"] for each in resources(template, kind).values()]


def test_the_stream_answers_as_the_api_does_and_only_where_callers_sign(templates) -> None:
    assert "ChatStreamUrl" in templates["dev"]["Assistant"]["Outputs"]
    assert not resources(templates["nat"]["Assistant"], checks_assistant.URL), "tokens"
    assert checks_assistant.check_stream(templates["dev"]["Assistant"]) == []


def test_the_schedule_asks_for_what_bedrock_takes(templates) -> None:
    """The input, with its references resolved, against botocore's model of the API."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    (schedule,) = resources(templates["keys"]["Assistant"], checks_assistant.SCHEDULE).values()
    request = json.loads(text(schedule["Target"]["Input"]))
    service = ServiceModel(Loader().load_service_model("bedrock", "service-2"))
    operation = service.operation_model("CreateEvaluationJob")
    report = ParamValidator().validate(_lower(request), operation.input_shape)
    assert not report.has_errors(), report.generate_report()


def _lower(value: object) -> object:
    """Members as the API has them; Scheduler wants them to begin with a capital."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lower(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_lower(each) for each in value]
    return value
