"""Amazon OpenSearch Serverless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import CustomResource, DefaultStackSynthesizer, Fn, Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_opensearchserverless as aoss
from constructs import Construct

from stacks.constructs.vector_stores.setup_function import SetupFunction
from stacks.constructs.vector_stores.vector_store import (
    NativeVectorStore,
    Storage,
    VectorStoreInputs,
    fingerprint,
    stack_suffix,
)
from stacks.vector_index import METADATA_FIELD, SPACE, TEXT_FIELD, VECTOR_FIELD

# What a knowledge base does with an index, and what creates and deletes it.
# https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
SEARCHES = ("aoss:DescribeIndex", "aoss:ReadDocument", "aoss:WriteDocument")
LOOKS = ("aoss:DescribeIndex",)
CREATES = ("aoss:CreateIndex", "aoss:DeleteIndex", "aoss:DescribeIndex", "aoss:UpdateIndex")


class Store(NativeVectorStore):
    """A collection for vectors, and an index of the graph kind.

    - `nextgen` is in a collection group whose least capacity is 0: after ten idle minutes nothing
      is paid for but what is stored, and the next request waits until it is awake. It always has
      standby replicas.
      https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-collection-groups.html
    - `classic` keeps at least half a unit for indexing and half for searching, twice that with
      standby replicas, around the clock.
    - Data-access policy: the knowledge base reads and writes documents of its one index, the
      role that deploys creates and deletes it, nobody else does anything.
    - Network policy: anybody with permissions, or Bedrock and one VPC endpoint. The latter is
      closed behind an index that is there: AWS::OpenSearchServerless::Index needs aoss:APIAccessAll
      and no other permission, so it comes by the collection's own endpoint, from outside of the
      VPC. Settings refuse what would make, change or delete an index of a closed collection.
    - Names, which have to be unique in the account, come from the stack's identifier.
    - The collection is protected from deletion when it is recorded as deployed.
    - What is kept are the policies too, without which nobody reaches the collection. Where the
      index, or who uses it, is replaced, so is the data-access policy: the old one is there until
      the old vectors and the old index are gone.

    classic has OpenSearch's faiss engine, the only one that knowledge bases take
    (https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html). Whether they
    take nextgen, where no engine can be named, no page of AWS's says; a report says that it is
    ingested into and that a search is answered 403
    (https://dev.classmethod.jp/en/articles/bedrock-kb-nextgen-retrieve-issue/). Settings refuse it
    unless it is confirmed: see docs/decisions/0005-vector-store.md.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: VectorStoreInputs) -> None:
        super().__init__(scope, construct_id, inputs=inputs)
        settings = inputs.settings
        nextgen = settings.serverless_generation == "nextgen"
        self._standby = "ENABLED" if nextgen or settings.standby_replicas else "DISABLED"
        key = inputs.encryption_key
        self._kind = fingerprint(settings.serverless_generation, self._standby, bool(key))
        self._name = Fn.join("-", ["groundwork", stack_suffix(), self._kind])
        graph = (settings.hnsw_m, settings.hnsw_ef_construction)
        self._index_name = "chunks-" + inputs.index_fingerprint(*graph)
        group = self._group() if nextgen else None
        self._collection = aoss.CfnCollection(
            self,
            "Collection",
            name=self._name,
            type="VECTORSEARCH",
            description="Groundwork: vectors of the knowledge base",
            collection_group_name=self._name if group else None,
            standby_replicas=self._standby,
            deletion_protection="ENABLED" if settings.protects_store else "DISABLED",
        )
        # A change of tags replaces a collection, and with it everything that is known.
        self._collection.add_property_deletion_override("Tags")
        self._collection.apply_removal_policy(inputs.removal_policy)
        for first in (self._encryption(), self._network(), group):
            if first:
                first.apply_removal_policy(inputs.removal_policy)
                self._collection.add_resource_dependency(first)

    @property
    def permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """The right to call the collection; the data-access policy says what may be done there.

        https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html
        """
        return {
            "vectors": [
                iam.PolicyStatement(
                    actions=["aoss:APIAccessAll"], resources=[self._collection.attr_arn]
                )
            ]
        }

    @property
    def storage_configuration(self) -> Storage:
        """See NativeVectorStore."""
        base = bedrock.CfnKnowledgeBase
        return Storage(
            type="OPENSEARCH_SERVERLESS",
            opensearch_serverless_configuration=base.OpenSearchServerlessConfigurationProperty(
                collection_arn=self._collection.attr_arn,
                vector_index_name=self._index_name,
                field_mapping=base.OpenSearchServerlessFieldMappingProperty(
                    vector_field=VECTOR_FIELD,
                    text_field=TEXT_FIELD,
                    metadata_field=METADATA_FIELD,
                ),
            ),
        )

    def admit(self, role: iam.IRole) -> None:
        """Policy, wait until it works, index, wait until it is seen.

        The first wait is for CloudFormation, which creates the index, the second for Bedrock, which
        looks at it when the knowledge base is created. Deletion goes the other way round: the index
        while the policy still lets CloudFormation delete it.
        """
        setup = SetupFunction(
            self,
            "Setup",
            package=self._inputs.setup_package(),
            permissions=self.permissions,
            log_retention_days=self._inputs.settings.log_retention_days,
        )
        access = self._access(role, setup.role)
        admitted = self._probe(setup, "Admitted", expects="access")
        admitted.node.add_dependency(access)
        index = self._index()
        index.node.add_dependency(admitted)
        index.add_resource_dependency(access)
        seen = self._probe(setup, "Seen", expects="index")
        seen.node.add_dependency(index)
        self.depends_on += [access, index, seen]

    def _probe(self, setup: SetupFunction, construct_id: str, *, expects: str) -> CustomResource:
        return setup.resource(
            self,
            construct_id,
            kind="IndexAdmitted",
            properties={
                "Endpoint": self._collection.attr_collection_endpoint,
                "IndexName": self._index_name,
                "Expects": expects,
            },
        )

    def _group(self) -> aoss.CfnCollectionGroup:
        most = self._inputs.settings.serverless_max_capacity
        return aoss.CfnCollectionGroup(
            self,
            "Group",
            name=self._name,
            description="Groundwork: scales to zero",
            generation="NEXTGEN",
            standby_replicas=self._standby,
            capacity_limits=aoss.CfnCollectionGroup.CapacityLimitsProperty(
                min_indexing_capacity_in_ocu=0,
                min_search_capacity_in_ocu=0,
                max_indexing_capacity_in_ocu=most,
                max_search_capacity_in_ocu=most,
            ),
        )

    def _encryption(self) -> aoss.CfnSecurityPolicy:
        key = self._inputs.encryption_key
        return self._policy(
            "Encryption",
            "encryption",
            {
                "Rules": [{"ResourceType": "collection", "Resource": [self._resource]}],
                **({"KmsARN": key.key_arn} if key else {"AWSOwnedKey": True}),
            },
        )

    def _network(self) -> aoss.CfnSecurityPolicy:
        """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-network.html"""
        endpoint = self._inputs.settings.serverless_vpc_endpoint
        return self._policy(
            "Network",
            "network",
            [
                {
                    "Rules": [{"ResourceType": "collection", "Resource": [self._resource]}],
                    **(
                        {
                            "AllowFromPublic": False,
                            "SourceVPCEs": [endpoint],
                            "SourceServices": ["bedrock.amazonaws.com"],
                        }
                        if endpoint
                        else {"AllowFromPublic": True}
                    ),
                }
            ],
        )

    def _access(self, role: iam.IRole, probing: iam.IRole) -> aoss.CfnAccessPolicy:
        index = Fn.join("/", ["index", self._name, self._index_name])

        def may(principal: str, actions: Sequence[str]) -> dict[str, object]:
            return {
                "Rules": [
                    {"ResourceType": "index", "Resource": [index], "Permission": list(actions)}
                ],
                "Principal": [principal],
            }

        settled = fingerprint(self._kind, self._index_name, self.settled)
        policy = aoss.CfnAccessPolicy(
            self,
            "Access" + settled,
            name=Fn.join("-", ["groundwork", stack_suffix(), settled]),
            type="data",
            policy=Stack.of(self).to_json_string(
                [
                    may(role.role_arn, SEARCHES),
                    may(self._deploying_role(), CREATES),
                    may(probing.role_arn, LOOKS),
                ]
            ),
        )
        policy.apply_removal_policy(self._inputs.removal_policy)
        return policy

    def _deploying_role(self) -> str:
        """The role with which CloudFormation calls OpenSearch Serverless: `cdk bootstrap`'s."""
        stack = Stack.of(self)
        name = self._inputs.settings.deploying_role
        if not name:
            qualifier = (
                stack.synthesizer.bootstrap_qualifier or DefaultStackSynthesizer.DEFAULT_QUALIFIER
            )
            name = f"cdk-{qualifier}-cfn-exec-role-{stack.account}-{stack.region}"
        return stack.format_arn(service="iam", region="", resource="role", resource_name=name)

    def _index(self) -> aoss.CfnIndex:
        """The index, which chooses engine and graph by itself in nextgen.

        There, a mapping that names an engine is refused ("Field parameter 'engine' is not
        supported", https://github.com/opensearch-project/opensearch-agent-skills/pull/78).
        """
        hnsw = self._inputs.settings.hnsw
        classic = self._inputs.settings.serverless_generation == "classic"
        field = aoss.CfnIndex.PropertyMappingProperty
        graph = aoss.CfnIndex.MethodProperty(
            name="hnsw",
            engine="faiss",
            space_type=SPACE,
            parameters=aoss.CfnIndex.ParametersProperty(
                m=hnsw.m, ef_construction=hnsw.ef_construction
            ),
        )
        index = aoss.CfnIndex(
            self,
            "Index",
            collection_endpoint=self._collection.attr_collection_endpoint,
            index_name=self._index_name,
            settings=aoss.CfnIndex.IndexSettingsProperty(
                index=aoss.CfnIndex.IndexProperty(
                    knn=True, knn_algo_param_ef_search=hnsw.ef_search if classic else None
                )
            ),
            mappings=aoss.CfnIndex.MappingsProperty(
                properties={
                    VECTOR_FIELD: field(
                        type="knn_vector",
                        dimension=self._inputs.embedding.dimension,
                        method=graph if classic else None,
                        space_type=None if classic else SPACE,
                    ),
                    TEXT_FIELD: field(type="text", index=True),
                    METADATA_FIELD: field(type="text", index=False),
                }
            ),
        )
        index.apply_removal_policy(self._inputs.removal_policy)
        return index

    @property
    def _resource(self) -> str:
        return Fn.join("/", ["collection", self._name])

    def _policy(self, construct_id: str, kind: str, document: object) -> aoss.CfnSecurityPolicy:
        return aoss.CfnSecurityPolicy(
            self,
            construct_id,
            name=self._name,
            type=kind,
            policy=Stack.of(self).to_json_string(document),
        )
