"""A domain of Amazon OpenSearch Service."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Aws, CfnUpdatePolicy, Fn, RemovalPolicy, Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_opensearchservice as opensearch
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge, acknowledge_wildcard
from stacks.constructs.log_group import log_group
from stacks.constructs.vector_stores.setup_function import SetupFunction
from stacks.constructs.vector_stores.vector_store import (
    NativeVectorStore,
    Storage,
    VectorStoreInputs,
    fingerprint,
    stack_suffix,
)
from stacks.vector_index import METADATA_FIELD, SPACE, TEXT_FIELD, VECTOR_FIELD

# `stack_suffix`, as cdk-nag writes it.
STACK_SUFFIX = (
    '{"Fn::Select":[0,{"Fn::Split":["-",{"Fn::Select":[2,{"Fn::Split":["/",'
    '{"Ref":"AWS::StackId"}]}]}]}]}'
)
PREFIX = "chunks-"
ENGINE_VERSION = "OpenSearch_2.19"
CALLS = ("es:ESHttpDelete", "es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut")


class Store(NativeVectorStore):
    """A domain that runs around the clock: for those who have one, or want its other features.

    Bedrock reaches domains with a public endpoint alone
    (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-osm-permissions-prereq.html). So what
    protects it is: TLS and signed requests only; an access policy that names two roles;
    fine-grained access control, in which Bedrock's role may use one index and nothing else.

    The index is made by a custom resource, as CloudFormation has no type for it. Its mapping is in
    its name, because OpenSearch cannot change it.

    Another key makes another domain
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-opensearchservice-domain-encryptionatrestoptions.html),
    and CloudFormation replaces nothing under a name that stays. So the name says whether there is a
    key. What the setup function may do, and what lets a domain log, holds for all domains of the
    stack: the old one is still asked when its index is deleted.
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: VectorStoreInputs) -> None:
        super().__init__(scope, construct_id, inputs=inputs)
        settings = inputs.settings
        hnsw = settings.hnsw
        self._kind = fingerprint(bool(inputs.encryption_key))
        self._domains = Fn.join("-", ["groundwork", stack_suffix()])
        self._name = Fn.join("-", ["groundwork", stack_suffix(), self._kind])
        self._arn = self._arn_of(self._name)
        self._index_name = PREFIX + inputs.index_fingerprint(hnsw.m, hnsw.ef_construction)
        self._setup = SetupFunction(
            self,
            "Setup",
            package=inputs.setup_package(),
            permissions={
                "vectors": [
                    iam.PolicyStatement(
                        actions=list(CALLS), resources=[f"{self._arn_of(f'{self._domains}-*')}/*"]
                    )
                ]
            },
            log_retention_days=settings.log_retention_days,
        )
        self._domain = self._made()

    @property
    def settled(self) -> str:
        """The domain's access policy names one role, which has to be there for old indices too."""
        return fingerprint(self._inputs.settings.vector_store, self._kind)

    @property
    def permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """https://docs.aws.amazon.com/bedrock/latest/userguide/kb-osm-permissions-slr-rbp.html

        All five calls on indices of our naming and on what stands below them, HEAD among them, and
        the description of the domain. When an index is replaced, Bedrock still takes the vectors
        out of the old one; OpenSearch's own roles, one per index, say what may be done where.
        """
        return {
            "vectors": [
                iam.PolicyStatement(
                    actions=list(CALLS),
                    resources=[
                        f"{self._arn}/{PREFIX}*",
                        f"{self._arn}/{PREFIX}*/*",
                    ],
                ),
                iam.PolicyStatement(actions=["es:DescribeDomain"], resources=[self._arn]),
            ]
        }

    @property
    def storage_configuration(self) -> Storage:
        """See NativeVectorStore."""
        base = bedrock.CfnKnowledgeBase
        return Storage(
            type="OPENSEARCH_MANAGED_CLUSTER",
            opensearch_managed_cluster_configuration=(
                base.OpenSearchManagedClusterConfigurationProperty(
                    domain_arn=self._domain.attr_arn,
                    domain_endpoint=Fn.join("", ["https://", self._domain.attr_domain_endpoint]),
                    vector_index_name=self._index_name,
                    field_mapping=base.OpenSearchManagedClusterFieldMappingProperty(
                        vector_field=VECTOR_FIELD,
                        text_field=TEXT_FIELD,
                        metadata_field=METADATA_FIELD,
                    ),
                )
            ),
        )

    def admit(self, role: iam.IRole) -> None:
        """Access policy, then the index and OpenSearch's own role for it.

        Bedrock looks at the domain before it makes a knowledge base
        (https://docs.aws.amazon.com/bedrock/latest/userguide/kb-osm-permissions-prereq.html).
        """
        self._domain.access_policies = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": [role.role_arn, self._setup.role.role_arn]},
                    "Action": [*CALLS],
                    "Resource": f"{self._arn}/*",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": role.role_arn},
                    "Action": "es:DescribeDomain",
                    "Resource": self._arn,
                },
            ],
        }
        index = self._setup.resource(
            self,
            "Index",
            kind="SearchIndex",
            properties={
                "Endpoint": self._domain.attr_domain_endpoint,
                "IndexName": self._index_name,
                "Body": json.dumps(self._body(), sort_keys=True),
                "RoleArn": role.role_arn,
                "Retain": "true" if self._inputs.settings.retain_data else None,
            },
        )
        self.depends_on += [self._domain, index]

    def accept(self, role: iam.IRole) -> None:
        """Within an index, paths are what is called; which there are is not known beforehand."""
        for each, below in (
            (role, f"{self._kind}/{PREFIX}*"),
            (role, f"{self._kind}/{PREFIX}*/*"),
            (self._setup.role, "*/*"),
        ):
            acknowledge_wildcard(
                each,
                "arn:<AWS::Partition>:es:<AWS::Region>:<AWS::AccountId>:domain/groundwork-"
                f"{STACK_SUFFIX}-{below}",
                reason="Paths of OpenSearch's API stand below its domain or index.",
            )

    def _arn_of(self, name: str) -> str:
        return Stack.of(self).format_arn(service="es", resource="domain", resource_name=name)

    def _body(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html"""
        hnsw = self._inputs.settings.hnsw
        nodes = self._inputs.settings.domain_nodes
        graph = {"m": hnsw.m, "ef_construction": hnsw.ef_construction, "ef_search": hnsw.ef_search}
        return {
            "settings": {
                "index": {"knn": True, "number_of_replicas": min(1, nodes - 1)},
            },
            "mappings": {
                "properties": {
                    VECTOR_FIELD: {
                        "type": "knn_vector",
                        "dimension": self._inputs.embedding.dimension,
                        "method": {
                            "name": "hnsw",
                            "engine": "faiss",
                            "space_type": SPACE,
                            "parameters": graph,
                        },
                    },
                    TEXT_FIELD: {"type": "text", "index": True},
                    METADATA_FIELD: {"type": "text", "index": False},
                }
            },
        }

    def _made(self) -> opensearch.CfnDomain:
        settings, key = self._inputs.settings, self._inputs.encryption_key
        kind = opensearch.CfnDomain
        zones = min(3, settings.domain_nodes)
        slow = self._logs()
        domain = kind(
            self,
            "Domain",
            domain_name=self._name,
            engine_version=ENGINE_VERSION,
            cluster_config=kind.ClusterConfigProperty(
                instance_type=settings.domain_instance_type,
                instance_count=settings.domain_nodes,
                zone_awareness_enabled=zones > 1,
                zone_awareness_config=(
                    kind.ZoneAwarenessConfigProperty(availability_zone_count=zones)
                    if zones > 1
                    else None
                ),
            ),
            ebs_options=kind.EBSOptionsProperty(
                ebs_enabled=True, volume_type="gp3", volume_size=settings.domain_volume_gb
            ),
            encryption_at_rest_options=kind.EncryptionAtRestOptionsProperty(
                enabled=True, kms_key_id=key.key_id if key else None
            ),
            node_to_node_encryption_options=kind.NodeToNodeEncryptionOptionsProperty(enabled=True),
            domain_endpoint_options=kind.DomainEndpointOptionsProperty(
                enforce_https=True, tls_security_policy="Policy-Min-TLS-1-2-PFS-2023-10"
            ),
            advanced_security_options=kind.AdvancedSecurityOptionsInputProperty(
                enabled=True,
                internal_user_database_enabled=False,
                master_user_options=kind.MasterUserOptionsProperty(
                    master_user_arn=self._setup.role.role_arn
                ),
            ),
            log_publishing_options={
                name: kind.LogPublishingOptionProperty(
                    enabled=True, cloud_watch_logs_log_group_arn=slow.log_group_arn
                )
                for name in ("ES_APPLICATION_LOGS", "INDEX_SLOW_LOGS", "SEARCH_SLOW_LOGS")
            },
        )
        domain.apply_removal_policy(self._inputs.removal_policy)
        # Otherwise another version, too, is another domain.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatepolicy.html
        domain.cfn_options.update_policy = CfnUpdatePolicy(enable_version_upgrade=True)
        domain.node.add_dependency(self._lets_domain_log(slow))
        self._accept(domain)
        return domain

    def _accept(self, domain: opensearch.CfnDomain) -> None:
        settings = self._inputs.settings
        reasons = {
            "OS1": "Bedrock reaches domains outside of a VPC only; the access policy names two "
            "roles, and fine-grained access control says what they may do.",
            "OS3": "Addresses of Bedrock are not published: roles are named instead.",
            "OS4": "A few gigabytes of vectors need no dedicated masters; nodes are a setting.",
        }
        if settings.domain_nodes == 1:
            reasons["OS7"] = "knowledge.domain_nodes is 1, so there is one zone."
        for rule, reason in reasons.items():
            acknowledge(domain, f"AwsSolutions::AwsSolutions-{rule}", reason=reason)

    def _logs(self) -> logs.LogGroup:
        return log_group(
            self,
            "Logs",
            retention_days=self._inputs.settings.log_retention_days,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _lets_domain_log(self, group: logs.LogGroup) -> logs.CfnResourcePolicy:
        """The domain's own permission; an account may have ten such policies.

        https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createdomain-configure-slow-logs.html
        """
        stack = Stack.of(self)
        return logs.CfnResourcePolicy(
            self,
            "DomainLogs",
            policy_name=self._domains,
            policy_document=stack.to_json_string(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "es.amazonaws.com"},
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": group.log_group_arn,
                            "Condition": {
                                "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                                "ArnLike": {"aws:SourceArn": self._arn_of(f"{self._domains}-*")},
                            },
                        }
                    ],
                }
            ),
        )
