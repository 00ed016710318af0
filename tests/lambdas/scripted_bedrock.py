"""Bedrock with answers that a test writes, in front of a real DynamoDB; every call is checked
against the service model. The behaviour of Bedrock itself is tested on the local AWS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from edge.aws import Aws
from edge.errors import AwsError

SESSION = botocore.session.get_session()
RULES = "Answer from the documents, cite them as [1], or write NOT_IN_DOCUMENTS."
TEMPLATE = RULES + "\n{{history}}\n{{documents}}\nQuestion: {{question}}"
PROMPTS = {
    "rag": TEMPLATE, "zero_shot": TEMPLATE, "n_shot": TEMPLATE, "chain_of_thought": TEMPLATE,
    "self_consistency": TEMPLATE, "generated_knowledge": TEMPLATE + "\n{{knowledge}}",
    "knowledge": "Facts of {{documents}} about {{question}}", "react": "Solve {{question}}",
    "rewrite": "Rewrite {{history}} {{question}}", "summary": "Condense {{history}}",
}  # fmt: skip
CUT = "<cut>"
"""At the end of what the model says: it would have said more."""
LIMITS = {"grounding_source": 50_000, "query": 1_000, "guard_content": 5_000}
"""Characters of contextual grounding, of all blocks together, in the Regions with the least:
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html
https://docs.aws.amazon.com/general/latest/gr/bedrock.html"""
ARN = "arn:aws:bedrock:eu-west-1:123456789012:prompt/{}:1"


class ScriptedBedrock:
    """`says` is asked with the text of each Converse; `finds` with the query of each Retrieve."""

    def __init__(
        self,
        says: Callable[[str], str] = lambda prompt: "NOT_IN_DOCUMENTS",
        *,
        finds: Callable[[str], list[tuple[str, str]]] = lambda query: [],
        judges: Callable[[str, str], dict[str, Any]] = lambda source, text: {"action": "NONE"},
        tables: Aws | None = None,
    ) -> None:
        self.says, self.finds, self.judges, self.tables = says, finds, judges, tables
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fail: dict[str, AwsError] = {}
        self.give_up_at = float("inf")
        self._names: dict[str, str] = {}

    def prompts(self, **more: str) -> dict[str, str]:
        arns = {}
        for index, name in enumerate({**PROMPTS, **more}):
            identifier = f"PROMPT{index:04d}"
            self._names[identifier] = {**PROMPTS, **more}[name]
            arns[name] = ARN.format(identifier)
        return arns

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        model = SESSION.get_service_model(service).operation_model(operation)
        report = ParamValidator().validate(params, model.input_shape).generate_report()
        assert report == "", report
        if operation == "ApplyGuardrail" and params["source"] == "OUTPUT":
            assert_fits(params["content"])
        if operation.startswith("Converse") and "guardrailConfig" in params:
            blocks = [block for message in params["messages"] for block in message["content"]]
            assert_fits([each["guardContent"] for each in blocks if "guardContent" in each])
        self.calls.append((operation, params))
        if operation in self.fail:
            raise self.fail[operation]
        if service == "dynamodb":
            assert self.tables is not None
            return self.tables.call(service, operation, **params)
        answer: dict[str, Any] = getattr(self, operation)(params)
        return answer

    def stream(self, service: str, operation: str, **params: Any) -> Iterator[dict[str, Any]]:
        answer = self.call(service, "ConverseStream", **params)
        text = answer["output"]["message"]["content"][0]["text"]
        for at in range(0, len(text), 7):
            yield {
                "contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": text[at : at + 7]}}
            }
        yield {"messageStop": {"stopReason": answer["stopReason"]}}
        yield {"metadata": {"usage": answer["usage"], "trace": answer.get("trace") or {}}}

    def within(self, seconds: float) -> Any:
        return nullcontext(self)

    def another(self) -> ScriptedBedrock:
        return self

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == operation]

    def GetPrompt(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        identifier = params["promptIdentifier"].rpartition("/")[2]
        assert params["promptVersion"] == "1"
        text = {"text": {"text": self._names[identifier]}}
        variant = {
            "name": "v", "templateType": "TEXT", "templateConfiguration": text,
            "inferenceConfiguration": {"text": {"maxTokens": 300, "temperature": 0.0}},
        }  # fmt: skip
        return {"defaultVariant": "v", "variants": [variant]}

    def Retrieve(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = self.finds(params["retrievalQuery"]["text"])
        return {
            "retrievalResults": [
                {
                    "content": {"text": text, "type": "TEXT"},
                    "location": {"type": "S3", "s3Location": {"uri": uri}},
                    "metadata": {
                        "x-amz-bedrock-kb-source-uri": uri,
                        "x-amz-bedrock-kb-chunk-id": f"{uri}#{index}",
                    },
                    "score": 0.5,
                }
                for index, (uri, text) in enumerate(found)
            ]
        }

    def Converse(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        text = text_of(params)
        said = self.says(text)
        blocked = said.startswith("BLOCKED ")
        end = "max_tokens" if said.endswith(CUT) else "end_turn"
        said = said.removesuffix(CUT)
        answer: dict[str, Any] = {
            "output": {"message": {"role": "assistant", "content": [{"text": said}]}},
            "stopReason": "guardrail_intervened" if blocked else end,
            "usage": {"inputTokens": 100, "outputTokens": 10, "totalTokens": 110},
        }
        if blocked:
            filters = [{"type": "GROUNDING", "action": "BLOCKED"}]
            assessments = {"g": [{"contextualGroundingPolicy": {"filters": filters}}]}
            answer["trace"] = {
                "guardrail": {"outputAssessments": assessments, "modelOutput": [said[8:]]}
            }
        return answer

    ConverseStream = Converse

    def ApplyGuardrail(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self.judges(params["source"], params["content"][-1]["text"]["text"])

    def InvokeModel(self, params: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        text = json.loads(params["body"])["inputText"]
        return {"embedding": [float(text.lower().count(letter)) for letter in "aeiourst"]}


def assert_fits(blocks: list[dict[str, Any]]) -> None:
    """No more than contextual grounding takes."""
    for qualifier, most in LIMITS.items():
        texts = [b["text"]["text"] for b in blocks if qualifier in b["text"].get("qualifiers", ())]
        assert len("".join(texts)) <= most, f"{qualifier}: {len(''.join(texts))}"


def text_of(params: dict[str, Any]) -> str:
    """What a Converse request says, blocks of the guardrail included."""
    texts = [block["text"] for block in params.get("system") or ()]
    for message in params["messages"]:
        for block in message["content"]:
            guarded = block.get("guardContent")
            texts.append(guarded["text"]["text"] if guarded else block["text"])
    return "".join(texts)


def blocked(message: str) -> dict[str, Any]:
    """A guardrail's answer that stops."""
    topics = [{"name": "t", "type": "DENY", "action": "BLOCKED"}]
    return {
        "action": "GUARDRAIL_INTERVENED", "outputs": [{"text": message}],
        "assessments": [{"topicPolicy": {"topics": topics}}],
    }  # fmt: skip


def masked(text: str) -> dict[str, Any]:
    """A guardrail's answer that hides a name."""
    entities = [{"match": "Ann", "type": "NAME", "action": "ANONYMIZED"}]
    return {
        "action": "GUARDRAIL_INTERVENED", "outputs": [{"text": text}],
        "assessments": [{"sensitiveInformationPolicy": {"piiEntities": entities}}],
    }  # fmt: skip
