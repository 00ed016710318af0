"""Who uses the API: users, their groups, and what they may do beside it."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge, acknowledge_wildcard
from stacks.constructs.escape_hatch import resource_of
from stacks.settings_offline import OfflineSettings

DISPATCHERS = "Dispatchers"
GROUPS = {
    DISPATCHERS: "Keep sites, plan work orders, read and remove notes",
    "Technicians": "Read sites, work on work orders, write notes",
}
OWN_PHOTOS = "photos/${cognito-identity.amazonaws.com:sub}/*"
EVERYBODYS_PHOTOS = "photos/*"


class OfflineUsers(Construct):
    """A user pool whose users are invited, and an identity pool for their photos.

    The pool's tokens are all that the API takes from users; what a group may do is in the schema.
    A refresh token lives for 30 days, so that a device may be away for as long and still
    synchronise without its user. The identity pool gives signed-in users, and nobody else,
    credentials for photos, which are as open as the notes that they belong to: everybody puts and
    reads them below their own identity, dispatchers read all. The group's role comes with the
    user's token; whoever has none gets the other one
    (https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html). They
    may not call the API by them: the resolvers refuse identities of the pool.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: OfflineSettings,
        photos: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self.pool = self._pool(settings)
        self.client = self.pool.add_client(
            "App",
            auth_flows=cognito.AuthFlow(user_srp=True),
            generate_secret=False,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            disable_o_auth=True,
            access_token_validity=Duration.hours(1),
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(30),
        )
        self.identities = cognito.CfnIdentityPool(
            self,
            "Identities",
            allow_unauthenticated_identities=False,
            cognito_identity_providers=[
                cognito.CfnIdentityPool.CognitoIdentityProviderProperty(
                    client_id=self.client.user_pool_client_id,
                    provider_name=self.pool.user_pool_provider_name,
                    server_side_token_check=True,
                )
            ],
        )
        everybody = self._signed_in(
            "SignedIn", photos, "Signed-in users and their photos", readable=OWN_PHOTOS
        )
        dispatchers = self._signed_in(
            "Dispatching", photos, "Dispatchers and all photos", readable=EVERYBODYS_PHOTOS
        )
        for name, description in GROUPS.items():
            cognito.CfnUserPoolGroup(
                self,
                name,
                user_pool_id=self.pool.user_pool_id,
                group_name=name,
                description=description,
                role_arn=dispatchers.role_arn if name == DISPATCHERS else None,
            )
        cognito.CfnIdentityPoolRoleAttachment(
            self,
            "IdentityRoles",
            identity_pool_id=self.identities.ref,
            roles={"authenticated": everybody.role_arn},
            role_mappings={
                "pool": cognito.CfnIdentityPoolRoleAttachment.RoleMappingProperty(
                    type="Token",
                    ambiguous_role_resolution="AuthenticatedRole",
                    identity_provider=(
                        f"{self.pool.user_pool_provider_name}:{self.client.user_pool_client_id}"
                    ),
                )
            },
        )

    def _pool(self, settings: OfflineSettings) -> cognito.UserPool:
        protected = settings.threat_protection
        pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=12,
                require_digits=True,
                require_lowercase=True,
                require_symbols=True,
                require_uppercase=True,
                temp_password_validity=Duration.days(3),
            ),
            mfa=cognito.Mfa.REQUIRED
            if settings.multi_factor == "required"
            else cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            feature_plan=cognito.FeaturePlan.PLUS if protected else cognito.FeaturePlan.ESSENTIALS,
            standard_threat_protection_mode=(
                cognito.StandardThreatProtectionMode.FULL_FUNCTION if protected else None
            ),
            deletion_protection=settings.retain_data,
            removal_policy=RemovalPolicy.RETAIN if settings.retain_data else RemovalPolicy.DESTROY,
        )
        if settings.multi_factor == "optional":
            acknowledge(
                pool,
                "AwsSolutions::AwsSolutions-COG2",
                reason="A second factor is a setting (offline.multi_factor), required by default "
                "and in prod; in dev it would be in the way of trying things out.",
            )
        if not protected:
            acknowledge(
                pool,
                "AwsSolutions::AwsSolutions-COG8",
                reason="Threat protection is a setting (offline.threat_protection) that costs a "
                "third more per user; users are invited, and sign in with a second factor.",
            )
        return pool

    def _signed_in(
        self, construct_id: str, photos: s3.IBucket, description: str, *, readable: str
    ) -> iam.Role:
        role = iam.Role(
            self,
            construct_id,
            description=description,
            assumed_by=iam.FederatedPrincipal(
                "cognito-identity.amazonaws.com",
                conditions={
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": self.identities.ref},
                    "ForAnyValue:StringLike": {
                        "cognito-identity.amazonaws.com:amr": "authenticated"
                    },
                },
                assume_role_action="sts:AssumeRoleWithWebIdentity",
            ),
            inline_policies={
                "photos": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["s3:PutObject"], resources=[photos.arn_for_objects(OWN_PHOTOS)]
                        ),
                        iam.PolicyStatement(
                            actions=["s3:GetObject"],
                            resources=[photos.arn_for_objects(readable)],
                        ),
                    ]
                )
            },
            max_session_duration=Duration.hours(1),
        )
        name = Stack.of(self).resolve(resource_of(photos, s3.CfnBucket).logical_id)
        for keys in sorted({OWN_PHOTOS, readable}):
            acknowledge_wildcard(
                role,
                f"<{name}.Arn>/{keys}".replace("${", "<").replace("}", ">"),
                reason="Which photos there will be is not known beforehand; the place is.",
            )
        return role
