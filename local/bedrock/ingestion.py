"""Ingestion jobs: started, stopped, shown.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_StartIngestionJob.html and the
quotas of https://docs.aws.amazon.com/general/latest/gr/bedrock.html: one job per data source and
per knowledge base, five per account. A job runs on a thread of its own.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from local.bedrock.answers import Answer
from local.bedrock.errors import BedrockError, invalid, missing
from local.bedrock.faults import Faults
from local.bedrock.ingestion_job import IngestionJob, Record, fresh_statistics
from local.bedrock.knowledge_bases import data_source, knowledge_base
from local.bedrock.page_tokens import page
from local.bedrock.sync_state import SyncState, now
from local.bedrock.wire import Request
from local.models.client import Models

RUNNING = ("STARTING", "IN_PROGRESS", "STOPPING")
JOBS_PER_ACCOUNT = 5
PAGE = 1000
JOIN_SECONDS = 10.0


class Ingestion:
    """The operations on jobs."""

    def __init__(self, *, models: Models, state: SyncState, faults: Faults) -> None:
        self._models = models
        self._faults = faults
        self._state = state
        self._lock = threading.Lock()
        self._jobs: dict[str, IngestionJob] = {}
        self._threads: list[threading.Thread] = []
        self._by_token: dict[str, str] = {}

    def stop_all(self) -> None:
        """The engine ends: no job goes on."""
        with self._lock:
            jobs, threads = list(self._jobs.values()), list(self._threads)
        for job in jobs:
            job.stopping.set()
        for thread in threads:
            thread.join(JOIN_SECONDS)

    def start(self, request: Request) -> Answer:
        """StartIngestionJob."""
        owner = knowledge_base(request["knowledgeBaseId"])
        source = data_source(owner.id, request["dataSourceId"])
        token = request.get("clientToken")
        with self._lock:
            if token in self._by_token:  # the SDK repeats a call with the token it had
                return Answer(content={"ingestionJob": _shown(self._record(token))}, status=202)
            self._check_running(owner.id, source.id)
            record = self._new_record(request, owner.id, source.id)
            if token:
                self._by_token[token] = _key(record)
            job = IngestionJob(
                record=record,
                owner=owner,
                source=source,
                state=self._state.source(owner.id, source.id),
                models=self._models,
                hold_seconds=self._faults.job_seconds,
            )
            self._jobs[_key(record)] = job
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(job.run,), daemon=True)
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
            shown = _shown(record)
        thread.start()
        return Answer(content={"ingestionJob": shown}, status=202)

    def get(self, request: Request) -> Answer:
        """GetIngestionJob."""
        record = self._found(request)
        return Answer(content={"ingestionJob": _shown(record)})

    def stop(self, request: Request) -> Answer:
        """StopIngestionJob."""
        record = self._found(request)
        if record["Status"] not in ("STARTING", "IN_PROGRESS"):
            raise BedrockError(
                "ConflictException",
                f"Ingestion job {record['IngestionJobId']} is {record['Status']} and cannot be "
                "stopped.",
            )
        record["Status"] = "STOPPING"
        self._jobs[_key(record)].stopping.set()
        return Answer(content={"ingestionJob": _shown(record)}, status=202)

    def list(self, request: Request) -> Answer:
        """ListIngestionJobs."""
        source = data_source(request["knowledgeBaseId"], request["dataSourceId"])
        prefix = f"{source.knowledge_base_id}/{source.id}/"
        found = [record for key, record in _records().items() if key.startswith(prefix)]
        for condition in request.get("filters") or ():
            found = [each for each in found if each["Status"] in condition["values"]]
        sort = request.get("sortBy") or {"attribute": "STARTED_AT", "order": "DESCENDING"}
        attribute = "Status" if sort["attribute"] == "STATUS" else "StartedAt"
        found.sort(key=lambda each: each[attribute], reverse=sort["order"] == "DESCENDING")
        some, token = page(
            found,
            size=int(request.get("maxResults", PAGE)),
            token=request.get("nextToken"),
            of=prefix,
        )
        summaries = [
            {name: value for name, value in _shown(each).items() if name != "failureReasons"}
            for each in some
        ]
        return Answer(
            content={"ingestionJobSummaries": summaries} | ({"nextToken": token} if token else {})
        )

    def _found(self, request: Request) -> Record:
        source = data_source(request["knowledgeBaseId"], request["dataSourceId"])
        job = request["ingestionJobId"]
        key = f"{source.knowledge_base_id}/{source.id}/{job}"
        record: Record | None = _records().get(key)
        if record is None:
            raise missing(f"Ingestion job with ID {job} is not found.")
        return record

    def _record(self, token: str) -> Record:
        record: Record = _records()[self._by_token[token]]
        return record

    def _check_running(self, knowledge_base_id: str, data_source_id: str) -> None:
        running = [each for each in _records().values() if each["Status"] in RUNNING]
        for each in running:
            if each["KnowledgeBaseId"] == knowledge_base_id:
                same = each["DataSourceId"] == data_source_id
                where = (
                    f"data source {data_source_id}"
                    if same
                    else f"knowledge base {knowledge_base_id}"
                )
                raise BedrockError(
                    "ConflictException",
                    f"There is an ongoing ingestion job {each['IngestionJobId']} for {where}. Wait "
                    "for the job to complete and try again.",
                )
        if len(running) >= JOBS_PER_ACCOUNT:
            raise BedrockError(
                "ServiceQuotaExceededException",
                f"There are {JOBS_PER_ACCOUNT} ongoing ingestion jobs in the account, which is "
                "its quota.",
            )

    def _new_record(self, request: Request, owner: str, source: str) -> Record:
        from ministack.services import bedrock_agent

        started = now()
        record: Record = {
            "KnowledgeBaseId": owner,
            "DataSourceId": source,
            "IngestionJobId": bedrock_agent._id("IJ"),
            "Status": "STARTING",
            "StartedAt": started,
            "UpdatedAt": started,
            "Statistics": dict(fresh_statistics()),
            "FailureReasons": [],
        }
        if request.get("description"):
            record["Description"] = request["description"]
        _records()[_key(record)] = record
        return record


def _records() -> Any:
    from ministack.services import bedrock_agent

    return bedrock_agent._ingestion_jobs


def _key(record: Record) -> str:
    return f"{record['KnowledgeBaseId']}/{record['DataSourceId']}/{record['IngestionJobId']}"


def _shown(value: Any) -> Any:
    """As the API spells it."""
    if isinstance(value, Mapping):
        return {f"{name[0].lower()}{name[1:]}": _shown(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_shown(each) for each in value]
    return value


def check_documents(identifiers: Sequence[Mapping[str, Any]], kind: str) -> None:
    """Documents are named as their data source's type demands. Raises BedrockError."""
    for each in identifiers:
        if each["dataSourceType"] != kind:
            raise invalid(
                f"dataSourceType {each['dataSourceType']} does not match the type of the data "
                f"source, {kind}."
            )
