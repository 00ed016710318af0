"""DeleteDataSource by the API: not while a job runs, and with what it put into the vector store.

https://docs.aws.amazon.com/bedrock/latest/userguide/kb-ds-delete.html. CloudFormation's deletion is
in local/types.
"""

from __future__ import annotations

from local.bedrock.answers import Answer
from local.bedrock.errors import BedrockError
from local.bedrock.ingestion import RUNNING
from local.bedrock.knowledge_bases import data_source, knowledge_base, refused
from local.bedrock.sync_state import SyncState
from local.bedrock.wire import Request
from local.stores.store import StoreError


class DataSourceDeletion:
    """The operation."""

    def __init__(self, state: SyncState) -> None:
        self._state = state

    def delete(self, request: Request) -> Answer:
        """DeleteDataSource."""
        from ministack.services import bedrock_agent

        source = data_source(request["knowledgeBaseId"], request["dataSourceId"])
        key = f"{source.knowledge_base_id}/{source.id}"
        for each in bedrock_agent._ingestion_jobs.values():
            if each["DataSourceId"] == source.id and each["Status"] in RUNNING:
                raise BedrockError(
                    "ConflictException",
                    f"There is an ongoing ingestion job {each['IngestionJobId']} for data source "
                    f"{source.id}.",
                )
        if bedrock_agent._data_sources[key].get("DataDeletionPolicy") == "DELETE":
            try:
                store = knowledge_base(source.knowledge_base_id).open()
                store.delete_data_source(source.id)
                store.close()
            except StoreError as error:
                raise refused(error) from None
        self._state.forget(source.knowledge_base_id, source.id)
        del bedrock_agent._data_sources[key]
        content = {
            "knowledgeBaseId": source.knowledge_base_id,
            "dataSourceId": source.id,
            "status": "DELETING",
        }
        return Answer(content=content, status=202)
