"""Amazon Aurora PostgreSQL with pgvector."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.vector_stores.setup_function import SetupFunction
from stacks.constructs.vector_stores.vector_store import (
    NativeVectorStore,
    Storage,
    VectorStoreInputs,
    fingerprint,
    stack_suffix,
)

# Pauses at 0 ACU (from 16.3 on), and has a pgvector that can go on searching when a filter leaves
# too little, which lambda_src/vector_store/postgres_schema.py asks it to.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html
ENGINE_VERSION = "16.11"
# The name that the console gives, and that is known not to be reserved, as `admin` is.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
MASTER = "postgres"
DATABASE, SCHEMA, USER = "knowledge", "bedrock_integration", "bedrock_user"
LOG = "postgresql"
FIELDS = {
    "primary_key_field": "id",
    "vector_field": "embedding",
    "text_field": "chunks",
    "metadata_field": "metadata",
    "custom_metadata_field": "custom_metadata",
}


class Store(NativeVectorStore):
    """A cluster of one serverless instance that pauses, and a table in it.

    - No connections for `aurora_pause_seconds`, and only storage is paid for; the next question
      waits about 15 seconds, or 30 and more when the cluster has rested for over a day. The retries
      of the chat function are for the first.
    - Bedrock and the function that makes the table come by the RDS Data API, so the cluster is in
      subnets without a route out, and its security group lets nobody in.
    - Bedrock has a user of its own, who may read and write one table; nobody needs the master's
      password, which RDS keeps in a secret and rotates.
    - The cluster has the data, so it alone leaves a snapshot; CloudFormation refuses to create a
      member of a cluster that should.
      https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-rds
    - RDS makes the log group of a cluster as soon as there is one, keeps it for ever, and leaves it
      behind, but takes one that is there. So the group is made first, and the cluster has a name,
      with the stack's identifier and whether there is a key, as another key is another cluster.
      https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/190

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.VectorDB.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, inputs: VectorStoreInputs) -> None:
        super().__init__(scope, construct_id, inputs=inputs)
        hnsw = inputs.settings.hnsw
        self._table = "chunks_" + inputs.index_fingerprint(hnsw.m, hnsw.ef_construction)
        self._secret = self._user_secret()
        self._cluster = self._database()
        instance = rds.CfnDBInstance(
            self,
            "Instance",
            engine="aurora-postgresql",
            db_cluster_identifier=self._cluster.ref,
            db_instance_class="db.serverless",
            publicly_accessible=False,
            auto_minor_version_upgrade=True,
        )
        instance.apply_removal_policy(RemovalPolicy.DESTROY)
        self._schema(instance)

    @property
    def permissions(self) -> Mapping[str, Sequence[iam.PolicyStatement]]:
        """https://docs.aws.amazon.com/bedrock/latest/userguide/kb-permissions.html"""
        return {
            "vectors": [
                iam.PolicyStatement(
                    actions=[
                        "rds-data:BatchExecuteStatement",
                        "rds-data:ExecuteStatement",
                        "rds:DescribeDBClusters",
                    ],
                    resources=[self._cluster.attr_db_cluster_arn],
                ),
                iam.PolicyStatement(
                    actions=["secretsmanager:GetSecretValue"], resources=[self._secret.ref]
                ),
            ]
        }

    @property
    def storage_configuration(self) -> Storage:
        """See NativeVectorStore."""
        base = bedrock.CfnKnowledgeBase
        return Storage(
            type="RDS",
            rds_configuration=base.RdsConfigurationProperty(
                resource_arn=self._cluster.attr_db_cluster_arn,
                credentials_secret_arn=self._secret.ref,
                database_name=DATABASE,
                table_name=f"{SCHEMA}.{self._table}",
                field_mapping=base.RdsFieldMappingProperty(**FIELDS),
            ),
        )

    def _user_secret(self) -> secretsmanager.CfnSecret:
        secret = secretsmanager.CfnSecret(
            self,
            "User",
            description="Groundwork: the knowledge base's user of its database",
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                secret_string_template=json.dumps({"username": USER}),
                generate_string_key="password",
                password_length=32,
                exclude_punctuation=True,
            ),
        )
        acknowledge(
            secret,
            "AwsSolutions::AwsSolutions-SMG4",
            reason="The password opens one table, by the Data API, which wants this account's IAM "
            "as well. A new one is made by replacing the secret; Bedrock reads it at every call.",
        )
        return secret

    def _database(self) -> rds.CfnDBCluster:
        settings, key = self._inputs.settings, self._inputs.encryption_key
        vpc = self._inputs.vpc
        subnets = rds.CfnDBSubnetGroup(
            self,
            "Subnets",
            db_subnet_group_description="Vectors of the knowledge base",
            subnet_ids=vpc.select_subnets(
                subnet_group_name=self._inputs.subnets.subnet_group_name
            ).subnet_ids,
        )
        group = ec2.CfnSecurityGroup(
            self,
            "SecurityGroup",
            group_description="Vectors of the knowledge base: nobody in, nothing out",
            vpc_id=vpc.vpc_id,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="icmp", from_port=252, to_port=86, cidr_ip="255.255.255.255/32"
                )
            ],
        )
        name = Fn.join("-", ["groundwork", stack_suffix(), fingerprint(bool(key))])
        cluster = rds.CfnDBCluster(
            self,
            "Cluster",
            db_cluster_identifier=name,
            engine="aurora-postgresql",
            engine_version=ENGINE_VERSION,
            database_name=DATABASE,
            master_username=MASTER,
            manage_master_user_password=True,
            enable_http_endpoint=True,
            enable_iam_database_authentication=True,
            storage_encrypted=True,
            kms_key_id=key.key_arn if key else None,
            db_subnet_group_name=subnets.ref,
            vpc_security_group_ids=[group.attr_group_id],
            backup_retention_period=7 if settings.retain_data else 1,
            copy_tags_to_snapshot=True,
            deletion_protection=settings.protects_store,
            enable_cloudwatch_logs_exports=[LOG],
            serverless_v2_scaling_configuration=(
                rds.CfnDBCluster.ServerlessV2ScalingConfigurationProperty(
                    min_capacity=0,
                    max_capacity=settings.aurora_max_capacity,
                    seconds_until_auto_pause=settings.aurora_pause_seconds,
                )
            ),
        )
        cluster.add_resource_dependency(self._log_group(name))
        cluster.apply_removal_policy(
            RemovalPolicy.SNAPSHOT if settings.retain_data else RemovalPolicy.DESTROY
        )
        if not settings.protects_store:
            acknowledge(
                cluster,
                "AwsSolutions::AwsSolutions-RDS10",
                reason="Nothing is kept (knowledge.retain_data is off), or nothing is there yet "
                "(knowledge.deployed does not say so), so nothing is protected.",
            )
        acknowledge(
            cluster,
            "AwsSolutions::AwsSolutions-RDS11",
            reason="Nobody reaches the port: the security group has no way in.",
        )
        return cluster

    def _log_group(self, cluster: str) -> logs.CfnLogGroup:
        group = logs.CfnLogGroup(
            self,
            "Log",
            log_group_name=f"/aws/rds/cluster/{cluster}/{LOG}",
            retention_in_days=self._inputs.settings.log_retention_days,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        return group

    def _schema(self, instance: rds.CfnDBInstance) -> None:
        """Extension, user, table and indices, which CloudFormation cannot make."""
        hnsw, settings = self._inputs.settings.hnsw, self._inputs.settings
        cluster, master = self._cluster, self._cluster.attr_master_user_secret_secret_arn
        setup = SetupFunction(
            self,
            "Setup",
            package=self._inputs.setup_package(),
            permissions={
                "vectors": [
                    iam.PolicyStatement(
                        actions=["rds-data:ExecuteStatement"],
                        resources=[cluster.attr_db_cluster_arn],
                    ),
                    iam.PolicyStatement(
                        actions=["secretsmanager:GetSecretValue"],
                        resources=[master, self._secret.ref],
                    ),
                ]
            },
            log_retention_days=settings.log_retention_days,
        )
        schema = setup.resource(
            self,
            "Schema",
            kind="PostgresSchema",
            properties={
                "ClusterArn": cluster.attr_db_cluster_arn,
                "MasterSecretArn": master,
                "UserSecretArn": self._secret.ref,
                "Database": DATABASE,
                "Schema": SCHEMA,
                "Table": self._table,
                "Dimension": self._inputs.embedding.dimension,
                "M": hnsw.m,
                "EfConstruction": hnsw.ef_construction,
                "EfSearch": hnsw.ef_search,
                "Retain": "true" if settings.retain_data else None,
            },
        )
        schema.node.add_dependency(instance)
        self.depends_on += [instance, schema]
