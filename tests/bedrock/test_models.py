"""Converse and its models: answers, errors, and that nothing is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.models.files import LANGUAGE, installed
from local.session import LocalAws
from tests.bedrock.conversing import DOCUMENTS, NOVA, SMALL, SYSTEM, TITAN, ask, said

pytestmark = pytest.mark.xdist_group("bedrock")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("amazon.nova-unheard-of-v1:0", "The provided model identifier is invalid."),
        ("arn:aws:bedrock:eu-west-1::foundation-model/nobody.nothing", "identifier is invalid"),
        ("anthropic.claude-sonnet-4-20250514-v1:0", "on-demand throughput"),
        (TITAN, "This action doesn't support the model"),
    ],
)
def test_models_that_cannot_be_invoked(runtime: Any, model: str, message: str) -> None:
    with pytest.raises(ClientError, match="ValidationException") as refused:
        ask(runtime, "hi", modelId=model)
    assert message in str(refused.value)


HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
BOTH = {"temperature": 0.7, "topP": 0.95}


@pytest.mark.parametrize("model", [HAIKU, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"])
def test_claude_4_5_takes_a_temperature_or_a_top_p_and_not_both(runtime: Any, model: str) -> None:
    prompt = f"{DOCUMENTS}\n<question>How long does a queue keep messages?</question>"
    with pytest.raises(ClientError, match=r"ValidationException.*cannot both be specified"):
        ask(runtime, prompt, modelId=model, inferenceConfig=BOTH)
    for name, value in BOTH.items():
        assert said(ask(runtime, prompt, modelId=model, inferenceConfig={name: value}))
    body = {
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "temperature": 0, "top_p": 1,
        "messages": [{"role": "user", "content": prompt}],
    }  # fmt: skip
    with pytest.raises(ClientError, match="cannot both be specified"):
        runtime.invoke_model(modelId=model, body=json.dumps(body))


def test_other_models_take_both(runtime: Any) -> None:
    prompt = f"{DOCUMENTS}\n<question>How long does a queue keep messages?</question>"
    for model in (NOVA, "us.anthropic.claude-3-7-sonnet-20250219-v1:0"):
        assert said(ask(runtime, prompt, modelId=model, inferenceConfig=BOTH))


def test_access_can_be_taken_away(aws: LocalAws, runtime: Any) -> None:
    aws.control("bedrock/access", model="amazon.nova-lite-v1:0", granted=False)
    with pytest.raises(ClientError, match=r"AccessDeniedException.*don't have access"):
        ask(runtime, "hi")


def test_answers_quote_and_cite_the_documents(runtime: Any) -> None:
    prompt = f"{DOCUMENTS}\n<question>How long does a queue keep messages?</question>"
    answer = ask(runtime, prompt, system=[{"text": SYSTEM}])
    assert said(answer).startswith("A queue keeps messages for four days by default. [1]")
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-groundwork-model"].startswith("extractive")


def test_what_the_documents_do_not_say_is_not_in_documents(runtime: Any) -> None:
    prompt = f"{DOCUMENTS}\n<question>Who painted the Mona Lisa?</question>"
    assert said(ask(runtime, prompt, system=[{"text": SYSTEM}])) == "NOT_IN_DOCUMENTS"


def test_a_labelled_answer_reasons_first(runtime: Any) -> None:
    system = f"{SYSTEM} Reason first, then write a line that begins with `Answer:`."
    prompt = f"{DOCUMENTS}\n<question>How long does a queue keep messages?</question>"
    reasoning, _, answer = said(ask(runtime, prompt, system=[{"text": system}])).partition(
        "\nAnswer: "
    )
    assert reasoning
    assert "[1]" in answer


def test_react_searches_then_answers(runtime: Any) -> None:
    system = (
        "End each message with one of\nAction: search: <what to look for>\n"
        "Action: calculate: <an expression>\nAnswer: <the answer, with citations>\n"
        "Write NOT_IN_DOCUMENTS when nothing is found."
    )
    question = "<question>How long does a queue keep messages?</question>"
    first = said(ask(runtime, question, system=[{"text": system}]))
    assert first.endswith("\nAction: search: How long does a queue keep messages?")
    messages = [
        {"role": "user", "content": [{"text": question}]},
        {"role": "assistant", "content": [{"text": first}]},
        {"role": "user", "content": [{"text": f"<observation>{DOCUMENTS}</observation>"}]},
    ]
    second = said(ask(runtime, "", messages=messages, system=[{"text": system}]))
    assert "Answer: A queue keeps messages for four days" in second


def test_a_tool_is_called_and_its_results_are_quoted(runtime: Any) -> None:
    tools = {
        "tools": [
            {
                "toolSpec": {
                    "name": "search",
                    "inputSchema": {
                        "json": {"type": "object", "properties": {"query": {"type": "string"}}}
                    },
                }
            }
        ]
    }
    question = "How long does a queue keep messages?"
    called = ask(runtime, question, toolConfig=tools)
    assert called["stopReason"] == "tool_use"
    use = called["output"]["message"]["content"][0]["toolUse"]
    assert use["input"] == {"query": question}
    result = {
        "toolUseId": use["toolUseId"],
        "content": [{"json": {"results": [{"text": "A queue keeps messages for four days."}]}}],
    }
    messages = [
        {"role": "user", "content": [{"text": f"<question>{question}</question>"}]},
        called["output"]["message"],
        {"role": "user", "content": [{"toolResult": result}]},
    ]
    assert "four days" in said(ask(runtime, "", messages=messages, toolConfig=tools))


@pytest.mark.skipif(not installed(LANGUAGE), reason="the small language model is not installed")
def test_the_small_model_writes_real_text_and_streams_it(runtime: Any) -> None:
    stream = runtime.converse_stream(
        modelId=SMALL,
        messages=[{"role": "user", "content": [{"text": "Name three colours."}]}],
        inferenceConfig={"maxTokens": 12, "temperature": 0},
    )
    assert stream["ResponseMetadata"]["HTTPHeaders"]["x-groundwork-model"].startswith("SmolLM2")
    events = list(stream["stream"])
    names = [next(iter(each)) for each in events]
    assert names[0] == "messageStart"
    assert names[-3:] == ["contentBlockStop", "messageStop", "metadata"]
    assert names.count("contentBlockDelta") > 3
    text = "".join(
        each["contentBlockDelta"]["delta"]["text"] for each in events if "contentBlockDelta" in each
    )
    assert text.strip()
    assert "ministack" not in text
    assert events[-2]["messageStop"]["stopReason"] == "max_tokens"
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 12


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([], "must start with a user message"),
        ([{"role": "assistant", "content": [{"text": "a"}]}], "must start with a user message"),
        ([{"role": "user", "content": [{"text": "a"}]}] * 2, "must alternate"),
        ([{"role": "user", "content": []}], "messages.0 is empty"),
        ([{"role": "user", "content": [{"text": " "}]}], "messages.0.content.0 is blank"),
    ],
)
def test_conversations_are_checked(
    runtime: Any, messages: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ClientError, match="ValidationException") as refused:
        ask(runtime, "", messages=messages)
    assert message in str(refused.value)


def test_max_tokens_and_stop_sequences_end_an_answer(runtime: Any) -> None:
    prompt = f"{DOCUMENTS}\n<question>How long does a queue keep messages?</question>"
    short = ask(runtime, prompt, inferenceConfig={"maxTokens": 3})
    assert short["stopReason"] == "max_tokens"
    stopped = ask(runtime, prompt, inferenceConfig={"stopSequences": [" by default"]})
    assert stopped["stopReason"] == "stop_sequence"
    assert said(stopped) == "A queue keeps messages for four days"


def test_a_prompt_of_prompt_management_is_a_model(aws: LocalAws, runtime: Any) -> None:
    agent = aws.client("bedrock-agent")
    prompt = agent.create_prompt(
        name="answer",
        defaultVariant="one",
        variants=[
            {
                "name": "one",
                "modelId": "amazon.nova-lite-v1:0",
                "templateType": "TEXT",
                "templateConfiguration": {
                    "text": {
                        "text": "{{documents}}\n<question>{{question}}</question>",
                        "inputVariables": [{"name": "documents"}, {"name": "question"}],
                    }
                },
                "inferenceConfiguration": {"text": {"stopSequences": ["."]}},
            }
        ],
    )
    version = agent.create_prompt_version(promptIdentifier=prompt["id"])
    variables = {
        "documents": {"text": DOCUMENTS},
        "question": {"text": "How long does a queue keep messages? {{documents}}"},
    }
    answer = runtime.converse(modelId=version["arn"], promptVariables=variables)
    assert said(answer) == "A queue keeps messages for four days by default"
    for asked in (
        {"promptIdentifier": version["arn"]},
        {"promptIdentifier": prompt["id"], "promptVersion": "1"},
        {"promptIdentifier": prompt["arn"], "promptVersion": "1"},
    ):
        assert agent.get_prompt(**asked)["version"] == "1"
    assert agent.get_prompt(promptIdentifier=prompt["arn"])["version"] == "DRAFT"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        agent.get_prompt(promptIdentifier=prompt["id"], promptVersion="9")
    with pytest.raises(ClientError, match="question has no value"):
        runtime.converse(modelId=version["arn"], promptVariables={"documents": {"text": "a"}})
    with pytest.raises(ClientError, match="inferenceConfig can't be specified"):
        runtime.converse(
            modelId=version["arn"], promptVariables=variables, inferenceConfig={"maxTokens": 1}
        )
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        runtime.converse(modelId=f"{prompt['arn']}:9", promptVariables=variables)


def test_throttling_comes_when_it_is_asked_for(aws: LocalAws) -> None:
    from botocore.config import Config

    client = aws.client("bedrock-runtime")
    once = client.meta.config.merge(Config(retries={"total_max_attempts": 1}))
    import boto3

    impatient = boto3.session.Session().client(
        "bedrock-runtime",
        endpoint_url=aws.endpoint,
        region_name=aws.record().region,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # pragma: allowlist secret
        config=once,
    )
    aws.control("bedrock/refuse", operations="Converse*", error="ThrottlingException", times=2)
    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException") as refused:
            ask(impatient, "hi")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    prompt = f"{DOCUMENTS}\n<question>What is a topic for?</question>"
    assert "subscribers" in said(ask(impatient, prompt))


def test_what_would_be_invented_is_refused(aws: LocalAws) -> None:
    agent = aws.client("bedrock-agent-runtime")
    with pytest.raises(ClientError, match="GenerateQuery is not played"):
        agent.generate_query(
            queryGenerationInput={"type": "TEXT", "text": "all"},
            transformationConfiguration={
                "mode": "TEXT_TO_SQL",
                "textToSqlConfiguration": {
                    "type": "KNOWLEDGE_BASE",
                    "knowledgeBaseConfiguration": {
                        "knowledgeBaseArn": "arn:aws:bedrock:eu-west-1:000000000000:"
                        "knowledge-base/ABCDEFGHIJ"
                    },
                },
            },
        )


def test_an_evaluation_job_fails_honestly(aws: LocalAws) -> None:
    bedrock = aws.client("bedrock")
    job = bedrock.create_evaluation_job(
        jobName="nightly",
        roleArn="arn:aws:iam::000000000000:role/evaluation",
        evaluationConfig={
            "automated": {
                "datasetMetricConfigs": [
                    {
                        "taskType": "General",
                        "dataset": {"name": "golden"},
                        "metricNames": ["Builtin.Correctness"],
                    }
                ]
            }
        },
        inferenceConfig={"models": [{"bedrockModel": {"modelIdentifier": NOVA}}]},
        outputDataConfig={"s3Uri": "s3://results/"},
    )
    found = bedrock.get_evaluation_job(jobIdentifier=job["jobArn"])
    assert found["status"] == "Failed"
    assert "python -m evaluation" in found["failureMessages"][0]
