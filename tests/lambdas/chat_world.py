"""An assistant to ask: a scripted Bedrock, a real DynamoDB, a cache in memory."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from chat.answer_cache import AnswerCache, Pause
from chat.assistant import Assistant, Parts
from chat.callers import Caller
from chat.embedding import vector_of
from chat.guardrail import Guardrail
from chat.measures import Measures
from chat.memory import Memory
from chat.model import Model
from chat.prompts import Prompts
from chat.questions import Question
from chat.retrieval import Retrieval
from tests.lambdas.local_aws import LocalAws
from tests.lambdas.scripted_bedrock import ScriptedBedrock

QUEUES = ("s3://docs/queues.txt", "Amazon SQS keeps messages for four days by default. The longest "
          "retention is 14 days.")  # fmt: skip
TABLES = ("s3://docs/tables.txt", "A DynamoDB item may have up to 400 KB.")
FOUR_DAYS = "SQS keeps messages for four days by default [1]."
ANN = Caller("acme", "ann")


class Shelf:
    """A cache in memory, as exact as the real ones are."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], tuple[list[float], str]] = {}
        self.broken: Exception | None = None

    def exact(self, scope: str, key: str) -> str | None:
        if self.broken:
            raise self.broken
        found = self.entries.get((scope, key))
        return found[1] if found else None

    def near(self, scope: str, vector: Any) -> list[tuple[float, str]]:
        def cosine(one: Any, other: Any) -> float:
            dot = sum(a * b for a, b in zip(one, other, strict=True))
            return float(dot / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5)

        return [
            (cosine(vector, kept), entry)
            for (of, _), (kept, entry) in self.entries.items() if of == scope
        ]  # fmt: skip

    def put(self, scope: str, key: str, vector: Any, entry: str, *, seconds: int) -> None:
        self.entries[scope, key] = (list(vector), entry)


class World:
    """One deployment with its tables."""

    def __init__(self, local: LocalAws) -> None:
        self.tables = local.aws()
        self.memory_table = self._table("conversation", "turn")
        self.knowledge_table = self._table("id")
        self.bedrock = ScriptedBedrock(tables=self.tables)
        self.bedrock.finds = lambda query: [QUEUES, TABLES]
        self.arns = self.bedrock.prompts()
        self.shelf: Shelf | None = Shelf()
        self.settings: dict[str, Any] = {
            "model_id": "m1", "guardrail_name": "g:1", "tenant_key": "", "chunks": 5,
            "least_score": 0.0,
        }  # fmt: skip
        self.measures = Measures(tenant="acme", environ={})
        self.pause = Pause()
        self.told: list[tuple[str, Any]] = []
        self.clock: Callable[[], float] = time.time

    def _table(self, *keys: str) -> str:
        name = f"t-{uuid.uuid4().hex[:8]}"
        self.tables.call(
            "dynamodb", "CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in keys],
            KeySchema=[
                {"AttributeName": k, "KeyType": kind}
                for k, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        )  # fmt: skip
        return name

    def memory(self) -> Memory:
        return Memory(
            self.tables.call, table=self.memory_table, keep_seconds=3600, clock=self.clock
        )

    def complete(self, job: str, at: str = "2026-01-01T00:00:00Z") -> None:
        item = {"id": {"S": "ingestion"}, "last_completed": {"S": job}, "completed_at": {"S": at}}
        self.tables.call("dynamodb", "PutItem", TableName=self.knowledge_table, Item=item)

    def assistant(self, *, streaming: bool = False) -> Assistant:
        bedrock: Any = self.bedrock
        chosen = self.settings
        cache = AnswerCache(
            self.shelf,
            embed=lambda text: vector_of(
                bedrock, text, model_id="amazon.titan-embed-text-v2:0", dimension=8,
                timeout_seconds=1,
            ),
            seconds=60, pause=self.pause,
            failed=lambda doing, error: self.measures.count("CacheFailures"),
        )  # fmt: skip
        self.cache = cache
        parts = Parts(
            call=self.bedrock.call,
            knowledge_table=self.knowledge_table,
            model_id=chosen["model_id"],
            guardrail_name=chosen["guardrail_name"],
            tenant_key=chosen["tenant_key"],
            retrieval=Retrieval(
                self.bedrock.call, knowledge_base_id="KB12345678", chunks=chosen["chunks"],
                least_score=chosen["least_score"],
            ),
            prompts=Prompts(self.bedrock.call, self.arns),
            model=Model(bedrock, model_id=chosen["model_id"], guardrail_id="guard1",
                        guardrail_version="1"),
            guardrail=Guardrail(self.bedrock.call, id="guard1", version="1"),
            memory=Memory(self.bedrock.call, table=self.memory_table, keep_seconds=3600,
                          clock=self.clock),
            cache=cache,
            measures=self.measures,
            seconds_left=lambda: 20.0,
        )  # fmt: skip
        tell = (lambda event, content: self.told.append((event, content))) if streaming else None
        return Assistant(parts, tell=tell)

    def ask(self, text: str, *, caller: Caller = ANN, streaming: bool = False, **more: Any) -> Any:
        return self.assistant(streaming=streaming).answer(Question(text, **more), caller)
