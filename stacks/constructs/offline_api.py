"""The GraphQL API that devices synchronise with."""

from __future__ import annotations

from aws_cdk import Arn, ArnComponents, ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk import aws_appsync as appsync
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.appsync_source import api_schema
from stacks.constructs.acknowledged import acknowledge, acknowledge_wildcard
from stacks.settings_offline import OfflineSettings

LOG_GROUPS = "/aws/appsync/apis/"


class OfflineApi(Construct):
    """API, schema, API key by setting, and a log group that forgets.

    Users of the pool sign in by default, programs of the account sign their requests (IAM): they
    write by mutations too, as nothing else reaches devices. How deep a query goes and how many
    resolvers it runs is limited, so that one request cannot ask for everything by way of relations
    (https://docs.aws.amazon.com/appsync/latest/devguide/WAF-Integration.html tells of the other
    limits).

    The L1 constructs, because the L2 ones add a custom resource for the retention of logs and know
    no versioned data sources.

    Cost: 4 USD per million requests, 2 USD per million changes told to subscribers (in 5 KB), 0.08
    USD per million minutes of connection.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        settings: OfflineSettings,
        users: cognito.IUserPool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = appsync.CfnGraphQLApi(
            self,
            "Api",
            name=name,
            authentication_type="AMAZON_COGNITO_USER_POOLS",
            user_pool_config=appsync.CfnGraphQLApi.UserPoolConfigProperty(
                user_pool_id=users.user_pool_id, aws_region=Aws.REGION, default_action="ALLOW"
            ),
            additional_authentication_providers=[
                appsync.CfnGraphQLApi.AdditionalAuthenticationProviderProperty(
                    authentication_type=kind
                )
                for kind in ("AWS_IAM", *(["API_KEY"] if settings.api_key else []))
            ],
            log_config=appsync.CfnGraphQLApi.LogConfigProperty(
                cloud_watch_logs_role_arn=self._log_role().role_arn,
                field_log_level=settings.field_log_level,
                exclude_verbose_content=not settings.log_contents,
            ),
            xray_enabled=settings.tracing,
            query_depth_limit=settings.query_depth_limit,
            resolver_count_limit=settings.resolver_count_limit,
            introspection_config="ENABLED" if settings.introspection else "DISABLED",
        )
        if not settings.log_contents:
            acknowledge(
                self.api,
                "AwsSolutions::AwsSolutions-ASC3",
                reason="What fails is logged, without headers, queries and contents, which are "
                "personal data and tokens' claims; offline.log_contents turns them on.",
            )
        # Read once: every read of an attribute is a call to the JavaScript engine.
        self.api_id = self.api.attr_api_id
        self._log_group(settings.log_retention_days)
        self.schema = appsync.CfnGraphQLSchema(
            self,
            "Schema",
            api_id=self.api_id,
            definition=api_schema(api_key=settings.api_key),
        )
        self.api_key = (
            appsync.CfnApiKey(
                self,
                "Key",
                api_id=self.api_id,
                description="For development",
                expires=settings.api_key_expires_at,
            )
            if settings.api_key
            else None
        )

    def _log_role(self) -> iam.Role:
        """The API's identifier is not known before the API is, and the API wants the role first."""
        groups = Arn.format(
            ArnComponents(
                service="logs",
                resource="log-group",
                resource_name=f"{LOG_GROUPS}*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            Stack.of(self),
        )
        role = iam.Role(
            self,
            "LogRole",
            assumed_by=iam.ServicePrincipal("appsync.amazonaws.com"),
            description="Logs of the API",
            inline_policies={
                "logs": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=[
                                "logs:CreateLogGroup",
                                "logs:CreateLogStream",
                                "logs:PutLogEvents",
                            ],
                            resources=[groups],
                        )
                    ]
                )
            },
        )
        acknowledge_wildcard(
            role,
            f"arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:{LOG_GROUPS}*",
            reason="The group is named after the API, whose identifier exists only after the role.",
        )
        return role

    def _log_group(self, retention_days: int) -> None:
        """Where AppSync writes, made beforehand, as it would otherwise be kept for ever.

        https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
        """
        group = logs.CfnLogGroup(
            self,
            "Logs",
            log_group_name=f"{LOG_GROUPS}{self.api_id}",
            retention_in_days=retention_days,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
