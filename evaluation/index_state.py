"""Asks something of one state of the index, as the chat function names it.

The scope of a cached answer has the last ingestion job that is over, and the five minutes after it,
in which its documents settle (`chat.assistant.ingested`). So a cache whose questions are asked
while the ingestion function has not noted a job's end yet, or while a job settles, loses the first
ones before their repetitions come, and seems to recognise nothing.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from chat.assistant import ingested
from evaluation.deployment import DeploymentError, Stacks

LOOK_EVERY_SECONDS = 5.0
SPARE_SECONDS = 10.0
"""How far the function's clock may be behind the one here."""
ATTEMPTS = 3
Asked = TypeVar("Asked")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class IndexState:
    """`newest_job`: the id of the newest ingestion job, '' without one; `item`: what the ingestion
    function has written (lambda_src/ingestion/__init__.py); `now`: seconds since 1970.
    """

    def __init__(
        self,
        *,
        newest_job: Callable[[], str],
        item: Callable[[], Mapping[str, Any]],
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        say: Callable[[str], object] = _say,
    ) -> None:
        self._newest_job = newest_job
        self._item = item
        self._now = now
        self._sleep = sleep
        self._say = say

    def throughout(self, ask: Callable[[], Asked], *, wait_seconds: float) -> Asked:
        """What `ask` gives when the index is the same before and after; it is asked again where it
        is not, of an empty cache then. Raises DeploymentError.
        """
        for _ in range(ATTEMPTS):
            before = self._settled(wait_seconds)
            answer = ask()
            if self._name() == before:
                return answer
            self._say("the index has changed meanwhile: once more")
        raise DeploymentError(
            f"the index has changed while the cache was asked, {ATTEMPTS} times; measure the cache "
            "while no documents are added"
        )

    def _settled(self, wait_seconds: float) -> str:
        """Wait until nothing is about to change; the state's name. Raises DeploymentError."""
        began, said = self._now(), ""
        while (name := self._name()) != (job := self._newest_job()):
            if self._now() - began >= wait_seconds:
                noted = ingested(self._item(), now=math.inf) or "none"
                raise DeploymentError(
                    f"the newest ingestion job is {job}, and {noted} is noted as over, after "
                    f"{wait_seconds:g} seconds; look at the ingestion function's log, invoke it "
                    'with {"groundwork": {"ingestion": "watch"}}, or raise --wait'
                )
            if name != said:
                self._say(f"the index is not settled: job {job}, noted {name or 'none'}")
                said = name
            self._sleep(LOOK_EVERY_SECONDS)
        return name

    def _name(self) -> str:
        return ingested(self._item(), now=self._now() - SPARE_SECONDS)


def index_state(deployed: Stacks) -> IndexState:
    """That of a deployment."""
    agent, table = deployed.client("bedrock-agent"), deployed.client("dynamodb")

    def newest_job() -> str:
        jobs = agent.list_ingestion_jobs(
            knowledgeBaseId=deployed.output("KnowledgeBaseId"),
            dataSourceId=deployed.output("DataSourceId"),
            sortBy={"attribute": "STARTED_AT", "order": "DESCENDING"},
            maxResults=1,
        )["ingestionJobSummaries"]
        return str(jobs[0]["ingestionJobId"]) if jobs else ""

    def item() -> Mapping[str, Any]:
        answer = table.get_item(
            TableName=deployed.output("KnowledgeTableName"),
            Key={"id": {"S": "ingestion"}},
            ConsistentRead=True,
        )
        found: Mapping[str, Any] = answer.get("Item", {})
        return found

    return IndexState(newest_job=newest_job, item=item)
