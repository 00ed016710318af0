"""RetrieveAndGenerate: an answer from a knowledge base, its parts tied to what they stand on.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrieveAndGenerate.html

The answer is made of sentences that were picked from the results, so each part cites the very
result that it comes from. A session remembers the last question, which a short follow-up is
searched with.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.bedrock.answers import Answer, Stream
from local.bedrock.converse import MODEL_HEADER
from local.bedrock.errors import BedrockError, invalid
from local.bedrock.event_stream import event
from local.bedrock.guardrail_parts import QUERY, Part
from local.bedrock.guardrails import Guardrail, Guardrails
from local.bedrock.knowledge_bases import knowledge_base
from local.bedrock.model_ids import ModelAccess
from local.bedrock.retrieval import Found, Retrieval, grounding_parts
from local.bedrock.wire import Request
from local.models.client import Models, ModelsError
from local.models.extractive import pick

NO_ANSWER = "Sorry, I am unable to assist you with this request."
FOLLOW_UP_WORDS = 6
MOST_SESSIONS = 1000
Said = tuple[str, Found]


class Generation:
    """Both operations."""

    def __init__(
        self,
        *,
        models: Models,
        access: ModelAccess,
        retrieval: Retrieval,
        guardrails: Guardrails,
    ) -> None:
        self._models = models
        self._access = access
        self._retrieval = retrieval
        self._guardrails = guardrails
        self._sessions: dict[str, str] = {}

    @property
    def _played_by(self) -> str:
        return f"extractive sentence picker ({self._models.embedded_by})"

    def retrieve_and_generate(self, request: Request) -> Answer:
        """The answer at once."""
        return Answer(content=self._generated(request), headers={MODEL_HEADER: self._played_by})

    def stream(self, request: Request) -> Stream:
        """The answer and its citations as events; made whole before the first of them."""
        made = self._generated(request)

        def run(emit: Callable[[bytes], None]) -> None:
            emit(event("output", {"text": made["output"]["text"]}))
            for citation in made["citations"]:
                emit(event("citation", {"citation": citation, **citation}))
            emit(event("guardrail", {"action": made["guardrailAction"]}))

        headers = {
            MODEL_HEADER: self._played_by,
            "x-amzn-bedrock-knowledge-base-session-id": made["sessionId"],
        }
        return Stream(run=run, headers=headers)

    def _generated(self, request: Request) -> dict[str, Any]:
        configuration = _configuration(request)
        owner = knowledge_base(configuration["knowledgeBaseId"])
        self._access.model(configuration["modelArn"], kind="text")
        generation = configuration.get("generationConfiguration") or {}
        _check_template(generation)
        guardrail = self._guardrail(generation.get("guardrailConfiguration"))
        question = request["input"]["text"]
        session, before = self._session(request.get("sessionId"))
        if guardrail:
            verdict = self._guardrails.assess(guardrail, "INPUT", [Part(text=question)])
            if verdict.blocked:
                return _answer(session, verdict.message, [], action="INTERVENED")
            question = verdict.texts[0]
        follows = bool(before) and _follows_up(question)
        asked = f"{before} {question}" if follows else question
        found = self._retrieval.search(
            owner, asked, configuration.get("retrievalConfiguration") or {}
        )
        self._remember(session, before if follows else question)
        parts = self._parts(asked, found)
        if guardrail and parts:
            return self._guarded(guardrail, session, asked, parts, found)
        text = " ".join(text for text, _ in parts) or NO_ANSWER
        return _answer(session, text, parts, action="NONE")

    def _parts(self, question: str, found: Sequence[Found]) -> list[Said]:
        try:
            picked = pick(question, [each.text for each in found], self._models.vectors)
        except ModelsError as error:
            raise BedrockError("DependencyFailedException", str(error)) from None
        return [(each.sentence, found[each.passage]) for each in picked]

    def _guarded(
        self,
        guardrail: Guardrail,
        session: str,
        question: str,
        parts: list[Said],
        found: Sequence[Found],
    ) -> dict[str, Any]:
        context = [
            *grounding_parts(found),
            Part(text=question, qualifiers=frozenset({QUERY})),
        ]
        verdict = self._guardrails.assess(
            guardrail, "OUTPUT", [Part(text=text) for text, _ in parts], context=context
        )
        if verdict.blocked:
            return _answer(session, verdict.message, [], action="INTERVENED")
        masked = [
            (text, reference) for text, (_, reference) in zip(verdict.texts, parts, strict=True)
        ]
        return _answer(
            session,
            " ".join(text for text, _ in masked),
            masked,
            action="INTERVENED" if verdict.masked else "NONE",
        )

    def _guardrail(self, configuration: Mapping[str, Any] | None) -> Guardrail | None:
        if not configuration:
            return None
        return self._guardrails.find(
            configuration["guardrailId"], configuration["guardrailVersion"]
        )

    def _session(self, identifier: str | None) -> tuple[str, str]:
        if identifier is None:
            return str(uuid.uuid4()), ""
        if identifier not in self._sessions:
            raise invalid(f"Session with Id {identifier} is not valid. Please check and try again.")
        return identifier, self._sessions[identifier]

    def _remember(self, session: str, question: str) -> None:
        """The last question that stands alone; of many sessions the longest unused are dropped."""
        self._sessions.pop(session, None)
        self._sessions[session] = question
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)), None)


def _configuration(request: Request) -> Mapping[str, Any]:
    given = request.get("retrieveAndGenerateConfiguration")
    if not given or given["type"] != "KNOWLEDGE_BASE":
        raise invalid("the local AWS plays RetrieveAndGenerate of type KNOWLEDGE_BASE only")
    configuration = given.get("knowledgeBaseConfiguration")
    if not configuration:
        raise invalid("knowledgeBaseConfiguration is required for type KNOWLEDGE_BASE.")
    result: Mapping[str, Any] = configuration
    return result


def _check_template(generation: Mapping[str, Any]) -> None:
    """What https://docs.aws.amazon.com/bedrock/latest/userguide/kb-test-config.html demands."""
    template = (generation.get("promptTemplate") or {}).get("textPromptTemplate")
    if template is not None and "$search_results$" not in template:
        raise invalid(
            "The prompt template must contain the placeholder $search_results$. Add it and try "
            "again."
        )


def _follows_up(question: str) -> bool:
    return len(question.split()) <= FOLLOW_UP_WORDS


def _answer(session: str, text: str, parts: Sequence[Said], *, action: str) -> dict[str, Any]:
    citations, start = [], 0
    for said, found in parts:
        end = start + len(said)
        part = {"text": said, "span": {"start": start, "end": max(start, end - 1)}}
        citations.append(
            {
                "generatedResponsePart": {"textResponsePart": part},
                "retrievedReferences": [found.reference()],
            }
        )
        start = end + 1
    return {
        "sessionId": session,
        "output": {"text": text},
        "citations": citations,
        "guardrailAction": action,
    }
