"""Answers a question, from the guardrail to the memory, in the order that docs/rag.md draws."""

from __future__ import annotations

import calendar
import time

from chat.answer_cache import scope_of
from chat.conversation import LONGEST_SUMMARY, Conversation, key_of
from chat.filters import limited_to
from chat.guardrail import LIMITS
from chat.passages import fitting
from chat.prompts import PromptProblem
from chat.techniques import Asked, drafted
from edge import json_log
from edge.errors import AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from chat.answer_cache import AnswerCache, Entry
    from chat.callers import Caller
    from chat.guardrail import Guardrail
    from chat.measures import Measures
    from chat.memory import Memory
    from chat.model import Model
    from chat.prompts import Prompts
    from chat.questions import Question
    from chat.retrieval import Retrieval
    from chat.techniques import Draft

    Call = Callable[..., dict[str, Any]]
    Tell = Callable[[str, Mapping[str, Any]], object]

NOT_FOUND = "The documents do not answer this question."
UNFINISHED = "The answer was cut off before it said anything that the documents support."
LONGEST_REWRITTEN = 1_000
SETTLING_SECONDS = 300
"""A job's documents are found some minutes after it is over (pitfall 33), so that answers which are
made meanwhile belong to neither state of the index."""
SECONDS_FOR_A_SUMMARY = 8.0


class Parts:
    """What an assistant is made of."""

    def __init__(
        self,
        *,
        call: Call,
        knowledge_table: str,
        model_id: str,
        guardrail_name: str,
        tenant_key: str,
        retrieval: Retrieval,
        prompts: Prompts,
        model: Model,
        guardrail: Guardrail,
        memory: Memory,
        cache: AnswerCache,
        measures: Measures,
        seconds_left: Callable[[], float],
    ) -> None:
        self.call = call
        self.knowledge_table = knowledge_table
        self.model_id = model_id
        self.guardrail_name = guardrail_name
        self.tenant_key = tenant_key
        self.retrieval = retrieval
        self.prompts = prompts
        self.model = model
        self.guardrail = guardrail
        self.memory = memory
        self.cache = cache
        self.measures = measures
        self.seconds_left = seconds_left


class Assistant:
    """Answers one question. `tell` hears events while the answer is made; see chat/__init__.py."""

    def __init__(self, parts: Parts, *, tell: Tell | None = None) -> None:
        self._parts = parts
        self._tell = tell
        self._started = time.monotonic()

    def answer(self, question: Question, caller: Caller) -> dict[str, Any]:
        """The content of the answer. Raises Problem, PromptProblem and AwsError."""
        parts = self._parts
        try:
            return self._answered(question, caller)
        finally:
            stopped = parts.guardrail.interventions + parts.model.interventions
            parts.measures.count("GuardrailInterventions", stopped)

    def _answered(self, question: Question, caller: Caller) -> dict[str, Any]:
        parts = self._parts
        filter_ = self._filter(question, caller)
        verdict = parts.guardrail.of_question(question.text)
        if verdict.blocked:
            return self._finished(question, verdict.text, stopped=True)
        text = verdict.text
        conversation = self._conversation(question, caller)
        scope = self._scope(question, caller, conversation, filter_)
        entry = parts.cache.find(text, scope=scope) if scope else None
        if entry is not None:
            return self._from_cache(question, text, entry, conversation)
        alone = self._alone(text, conversation)
        if alone != text:
            verdict = parts.guardrail.of_question(alone)
            if verdict.blocked:
                return self._finished(question, verdict.text, stopped=True)
            alone = verdict.text
        draft = self._drafted(question, alone, filter_, conversation)
        parts.measures.count("CitationsDropped", draft.dropped)
        parts.measures.count("SentencesWithheld", draft.withheld)
        if draft.blocked is not None:
            return self._finished(question, draft.blocked, stopped=True)
        said = draft.text if draft.text and (draft.citations or not draft.cited) else ""
        if not said:
            parts.measures.count("Refusals")
        content = self._finished(
            question,
            said or (UNFINISHED if draft.cut else NOT_FOUND),
            citations=draft.citations,
            answered=bool(said),
            grounded=draft.cited,
            withheld=draft.withheld,
        )
        whole = not parts.model.cut
        self._remember(conversation, text, content["answer"])
        if said and draft.citations and scope and whole:
            parts.cache.keep(
                text, scope=scope, alone=alone, answer=said, citations=draft.citations,
                withheld=draft.withheld,
            )  # fmt: skip
        return content

    def _conversation(self, question: Question, caller: Caller) -> Conversation:
        key = key_of(
            tenant=caller.tenant, user=caller.user, conversation_id=question.conversation_id
        )
        return Conversation(key) if question.new else self._parts.memory.load(key)

    def _filter(self, question: Question, caller: Caller) -> Mapping[str, Any] | None:
        """What searches are limited by: the question's own filter, and the tenant's documents."""
        key = self._parts.tenant_key
        if not key:
            return question.filter
        return limited_to(question.filter, key=key, value=caller.tenant)

    def _scope(
        self,
        question: Question,
        caller: Caller,
        conversation: Conversation,
        filter_: Mapping[str, Any] | None,
    ) -> str:
        """What a cached answer has to agree with; '' when that is not known."""
        parts = self._parts
        try:
            answer = parts.call(
                "dynamodb",
                "GetItem",
                TableName=parts.knowledge_table,
                Key={"id": {"S": "ingestion"}},
                ConsistentRead=True,
            )
        except AwsError as error:
            json_log.write("ingestion unknown", level="WARN", code=error.code, error=str(error))
            return ""
        prompts = parts.prompts
        return scope_of(
            tenant=caller.tenant,
            search=parts.retrieval.described,
            ingestion=ingested(answer.get("Item") or {}, now=time.time()),
            model=parts.model_id,
            technique=question.technique,
            prompts=[prompts.arn(name) for name in (question.technique, "knowledge", "rewrite")],
            guardrail=parts.guardrail_name,
            filter=filter_,
            context=conversation.context,
        )

    def _from_cache(
        self, question: Question, text: str, entry: Entry, conversation: Conversation
    ) -> dict[str, Any]:
        """Say it again, if the guardrail lets it pass today, which knows nothing of conversations.

        https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html
        """
        parts = self._parts
        parts.measures.count("CacheHits")
        verdict = parts.guardrail.of_answer(
            entry.answer,
            question=entry.alone if conversation.begun else text,
            sources=list(dict.fromkeys(each["quote"] for each in entry.citations)),
        )
        if verdict.blocked:
            return self._finished(question, verdict.text, stopped=True, cached=True)
        self._say("token", {"text": verdict.text})
        content = self._finished(
            question, verdict.text, citations=entry.citations, answered=True,
            withheld=entry.withheld, cached=True,
        )  # fmt: skip
        self._remember(conversation, text, verdict.text)
        return content

    def _drafted(
        self,
        question: Question,
        alone: str,
        filter_: Mapping[str, Any] | None,
        conversation: Conversation,
    ) -> Draft:
        parts = self._parts
        release = None
        if self._tell:
            release = lambda piece: self._say("token", {"text": piece})  # noqa: E731
        asked = Asked(
            alone,
            history=conversation.history(),
            search=lambda query: fitting(
                parts.retrieval.search(query, filter=filter_),
                characters=LIMITS["grounding_source"],
            ),
            model=parts.model,
            prompts=parts.prompts,
            guardrail=parts.guardrail,
            release=release,
        )
        return drafted(question.technique, asked)

    def _alone(self, text: str, conversation: Conversation) -> str:
        """The question so that it can be understood, and searched, without what was said before."""
        if not conversation.begun:
            return text
        parts = self._parts
        previous = conversation.turns[-1].question if conversation.turns else ""
        rewritten = ""
        if "rewrite" in parts.prompts:
            rewritten = self._made("rewrite", history=conversation.history(), question=text)
        room = max(0, LONGEST_REWRITTEN - len(text) - 1)
        return rewritten.strip("\"'")[:LONGEST_REWRITTEN] or f"{previous[:room]} {text}".strip()

    def _remember(self, conversation: Conversation, question: str, answer: str) -> None:
        """Write the turn and, when it is time, a summary. A failure leaves the answer as it is."""
        parts = self._parts
        try:
            parts.memory.add(conversation, question=question, answer=answer)
            older = conversation.to_condense()
            enough_time = parts.seconds_left() > SECONDS_FOR_A_SUMMARY
            if older and enough_time and "summary" in parts.prompts:
                summary = self._made("summary", history=conversation.condensable(), question="")
                if summary:
                    parts.memory.condense(
                        conversation, summary[:LONGEST_SUMMARY], through=older[-1].number
                    )
        except AwsError as error:
            json_log.write("not remembered", level="ERROR", code=error.code, error=str(error))
        except PromptProblem as problem:
            json_log.write("not condensed", level="ERROR", error=str(problem))

    def _made(self, name: str, *, history: str, question: str) -> str:
        prompt = self._parts.prompts.get(name)
        values = {"history": history, "question": question}
        system, messages = prompt.filled(values, guarded=False)
        reply = self._parts.model.say(system, messages, inference=prompt.inference, guarded=False)
        return " ".join(reply.text.split())

    def _finished(
        self,
        question: Question,
        answer: str,
        *,
        citations: list[dict[str, str]] | None = None,
        answered: bool = False,
        grounded: bool = True,
        withheld: int = 0,
        stopped: bool = False,
        cached: bool = False,
    ) -> dict[str, Any]:
        """The answer's content, told to whoever listens before anything is written down."""
        parts = self._parts
        usage = parts.model.usage
        citations = citations or []
        content = {
            "answer": answer,
            "citations": citations,
            "conversation_id": question.conversation_id,
            "technique": question.technique,
            "cached": cached,
            "answered": answered,
            "grounded": grounded,
            "withheld": withheld,
            "stopped_by_guardrail": stopped,
            "usage": {"input_tokens": usage.input, "output_tokens": usage.output},
            "latency_ms": round((time.monotonic() - self._started) * 1000),
        }
        self._say("citations", {"citations": citations})
        self._say("done", content)
        return content

    def _say(self, event: str, content: Mapping[str, Any]) -> None:
        if self._tell:
            self._tell(event, content)


def ingested(item: Mapping[str, Any], *, now: float) -> str:
    """Names the state of the index, by the item that the ingestion function writes: by the newest
    job that is over, since one that failed or was stopped may have removed documents.
    """
    over, moment = ("ended", "ended_at") if "ended" in item else ("last_completed", "completed_at")
    job = (item.get(over) or {}).get("S") or ""
    try:
        at = calendar.timegm(
            time.strptime(((item.get(moment) or {}).get("S") or "")[:19], "%Y-%m-%dT%H:%M:%S")
        )
    except ValueError:
        return str(job)
    return f"{job} settling" if now - at < SETTLING_SECONDS else str(job)
