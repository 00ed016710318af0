"""Pinecone."""

from __future__ import annotations

from aws_cdk import aws_bedrock as bedrock

from stacks.constructs.vector_stores.third_party import ThirdPartyStore
from stacks.constructs.vector_stores.vector_store import NativeVectorStore, Storage
from stacks.vector_index import METADATA_FIELD, TEXT_FIELD


class Store(ThirdPartyStore, NativeVectorStore):
    """An index that somebody made at Pinecone, found by its URL and a secret with the API key.

    Nothing is created here. The index needs the embedding model's dimension, which synth cannot
    look up: the stack's output EmbeddingDimension says which. Documents leave the account, as do
    questions' vectors.

    https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
    """

    @property
    def storage_configuration(self) -> Storage:
        """See NativeVectorStore."""
        settings = self._inputs.settings
        base = bedrock.CfnKnowledgeBase
        return Storage(
            type="PINECONE",
            pinecone_configuration=base.PineconeConfigurationProperty(
                connection_string=settings.endpoint,
                credentials_secret_arn=settings.secret_arn,
                field_mapping=base.PineconeFieldMappingProperty(
                    text_field=TEXT_FIELD, metadata_field=METADATA_FIELD
                ),
            ),
        )
