"""The ingestion jobs of one data source.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_StartIngestionJob.html
"""

from __future__ import annotations

import calendar
import time

from edge.errors import THROTTLING_CODES, AwsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Call = Callable[..., dict[str, Any]]

RUNNING = frozenset({"STARTING", "IN_PROGRESS", "STOPPING"})
COMPLETE = "COMPLETE"
FAILED = "FAILED"
LATER_CODES = THROTTLING_CODES | {"ConflictException", "ServiceQuotaExceededException"}
"""One job at a time for a data source, a few for an account: what is refused now works later.
https://docs.aws.amazon.com/general/latest/gr/bedrock.html"""
FAILED_DOCUMENTS = frozenset(
    {"FAILED", "PARTIALLY_INDEXED", "METADATA_PARTIALLY_INDEXED", "METADATA_UPDATE_FAILED"}
)
NEWEST = 25
PAGE = 1000


class Job:
    """An ingestion job as Bedrock lists it."""

    __slots__ = ("id", "numbers", "started_at", "status", "updated_at")

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.id = str(content["ingestionJobId"])
        self.status = str(content["status"])
        self.started_at = comparable(str(content.get("startedAt") or ""))
        self.updated_at = comparable(str(content.get("updatedAt") or "")) or self.started_at
        found = content.get("statistics") or {}
        count = {name: int(value or 0) for name, value in found.items()}
        self.numbers = {
            "documents_scanned": count.get("numberOfDocumentsScanned", 0),
            "documents_indexed": count.get("numberOfNewDocumentsIndexed", 0)
            + count.get("numberOfModifiedDocumentsIndexed", 0),
            "documents_deleted": count.get("numberOfDocumentsDeleted", 0),
            "documents_failed": count.get("numberOfDocumentsFailed", 0),
        }

    @property
    def running(self) -> bool:
        """Whether another job has to wait for it."""
        return self.status in RUNNING

    @property
    def start(self) -> float:
        """When it was started, in seconds since 1970."""
        return seconds_of(self.started_at)

    @property
    def end(self) -> float:
        """When its status last changed, in seconds since 1970."""
        return seconds_of(self.updated_at)


class DataSource:
    """Calls raise AwsError."""

    def __init__(self, call: Call, *, knowledge_base_id: str, data_source_id: str) -> None:
        self._call = call
        self._ids = {"knowledgeBaseId": knowledge_base_id, "dataSourceId": data_source_id}

    def newest(self) -> list[Job]:
        """The last jobs, the newest first."""
        answer = self._call(
            "bedrock-agent",
            "ListIngestionJobs",
            **self._ids,
            sortBy={"attribute": "STARTED_AT", "order": "DESCENDING"},
            maxResults=NEWEST,
        )
        return [Job(each) for each in answer.get("ingestionJobSummaries") or ()]

    def begin(self) -> Job | None:
        """Start a job; None when it has to wait."""
        try:
            answer = self._call("bedrock-agent", "StartIngestionJob", **self._ids)
        except AwsError as error:
            if error.code not in LATER_CODES:
                raise
            return None
        return Job(answer["ingestionJob"])

    def reasons(self, job: Job) -> list[str]:
        """Why documents, or the whole job, failed."""
        answer = self._call("bedrock-agent", "GetIngestionJob", **self._ids, ingestionJobId=job.id)
        return [str(reason) for reason in answer["ingestionJob"].get("failureReasons") or ()]

    def failed_documents(self, token: str) -> tuple[list[dict[str, str]], str]:
        """Those of a page of documents that are not, or not as a whole, in the index now; and the
        next page's token, '' after the last. The first page's token is ''.
        """
        answer = self._call(
            "bedrock-agent",
            "ListKnowledgeBaseDocuments",
            **self._ids,
            maxResults=PAGE,
            **({"nextToken": token} if token else {}),
        )
        failed = []
        for document in answer.get("documentDetails") or ():
            if document.get("status") in FAILED_DOCUMENTS:
                identifier = document.get("identifier") or {}
                failed.append(
                    {
                        "uri": str((identifier.get("s3") or {}).get("uri") or identifier),
                        "status": str(document["status"]),
                        "reason": str(document.get("statusReason") or ""),
                    }
                )
        return failed, str(answer.get("nextToken") or "")


def seconds_of(moment: str) -> float:
    """Seconds since 1970 of an ISO 8601 time in UTC; 0 without one."""
    if not moment:
        return 0.0
    whole = calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    return whole + float(f"0.{_fraction(moment)}")


def comparable(moment: str) -> str:
    """An ISO 8601 time in UTC with as many digits as any other, so that texts compare as times."""
    return f"{moment[:19]}.{_fraction(moment):0<6}Z" if moment else ""


def _fraction(moment: str) -> str:
    digits = "".join(sign if sign.isdigit() else " " for sign in moment[20:26]).split(" ")[0]
    return digits if moment[19:20] == "." and digits else "0"
