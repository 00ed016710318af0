"""The buckets that documents come from and prepared documents go to."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.constructs.document_buckets import DocumentBuckets
from stacks.settings_documents import DocumentsSettings


class DocumentsStack(Stack):
    """Documents in, prepared documents out; uploads are announced on the default event bus."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DocumentsSettings,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Groundwork: documents and prepared documents",
            termination_protection=settings.retain_data,
            **kwargs,
        )
        buckets = DocumentBuckets(self, "Buckets", settings=settings)
        self.documents = buckets.documents
        self.prepared_documents = buckets.prepared_documents
        CfnOutput(self, "DocumentsBucketName", value=self.documents.bucket_name)
        CfnOutput(self, "PreparedDocumentsBucketName", value=self.prepared_documents.bucket_name)
