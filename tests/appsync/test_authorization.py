"""Each authorization mode, good and bad.

https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.cdk import ACCESS_KEY, SECRET_KEY
from local.session import LocalAws
from tests.appsync.clients import Answer, Api

pytestmark = pytest.mark.xdist_group("appsync")
WHO = "{ who }"


def who(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.data["who"]))


def refused(answer: Answer) -> tuple[int, str, str]:
    (error,) = answer.body["errors"]
    assert answer.headers["x-amzn-errortype"] == error["errorType"]
    return answer.status, error["errorType"], error["message"]


class TestKey:
    """API_KEY."""

    def test_a_good_key_has_no_identity(self, api: Api) -> None:
        assert who(api.ask(WHO)) == {"identity": None, "type": "API Key Authorization"}

    def test_a_wrong_key_is_refused(self, api: Api) -> None:
        wrong = api.with_headers(**{"x-api-key": "da2-wrong"})
        assert refused(wrong.ask(WHO)) == (
            401,
            "UnauthorizedException",
            "You are not authorized to make this call.",
        )

    def test_a_key_ends(self, api: Api, aws: LocalAws) -> None:
        aws.control("appsync/clock", credentials_offset_seconds=8 * 86400)
        assert refused(api.ask(WHO))[0] == 401

    def test_nothing_at_all_is_refused(self, api: Api) -> None:
        assert refused(api.with_headers().ask(WHO))[2] == "Valid authorization header not provided."


class TestUserPool:
    """AMAZON_COGNITO_USER_POOLS."""

    @pytest.mark.parametrize("use", ["AccessToken", "IdToken"])
    def test_a_user_is_who_the_token_says(self, api: Api, tokens: Any, pool: Any, use: str) -> None:
        said = who(api.with_headers(authorization=tokens["ann"][use]).ask(WHO))
        identity = said["identity"]
        assert said["type"] == "User Pool Authorization"
        assert identity["username"] == "ann"
        assert identity["groups"] == ["Managers"]
        assert identity["issuer"].endswith(pool["id"])
        assert identity["claims"]["sub"] == identity["sub"]
        assert identity["sourceIp"] == ["127.0.0.1"]
        assert identity["defaultAuthStrategy"] == "ALLOW"

    def test_a_forged_token_is_refused(self, api: Api, tokens: Any) -> None:
        head, body, signature = tokens["bob"]["AccessToken"].split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        claims["cognito:groups"] = ["Managers"]
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        answer = api.with_headers(authorization=f"{head}.{forged}.{signature}").ask(WHO)
        assert refused(answer)[:2] == (401, "UnauthorizedException")

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_another_algorithm_is_refused(self, api: Api, tokens: Any, algorithm: str) -> None:
        head, body, _ = tokens["ann"]["AccessToken"].split(".")
        header = json.loads(base64.urlsafe_b64decode(head + "=="))
        header["alg"] = algorithm
        other = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        assert refused(api.with_headers(authorization=f"{other}.{body}.").ask(WHO))[0] == 401

    def test_a_token_ends(self, api: Api, aws: LocalAws, tokens: Any) -> None:
        caller = api.with_headers(authorization=tokens["ann"]["AccessToken"])
        assert caller.ask(WHO).status == 200
        aws.control("appsync/clock", credentials_offset_seconds=2 * 86400)
        assert refused(caller.ask(WHO)) == (401, "UnauthorizedException", "Token has expired.")

    def test_a_token_of_another_pool_is_refused(self, api: Api, aws: LocalAws) -> None:
        cognito = aws.client("cognito-idp")
        pool_id = cognito.create_user_pool(PoolName="others")["UserPool"]["Id"]
        client = cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName="app", ExplicitAuthFlows=["ADMIN_NO_SRP_AUTH"]
        )["UserPoolClient"]["ClientId"]
        word = "Secret-123"  # pragma: allowlist secret
        cognito.admin_create_user(UserPoolId=pool_id, Username="eve")
        cognito.admin_set_user_password(
            UserPoolId=pool_id, Username="eve", Password=word, Permanent=True
        )
        token = cognito.admin_initiate_auth(
            UserPoolId=pool_id,
            ClientId=client,
            AuthFlow="ADMIN_NO_SRP_AUTH",
            AuthParameters={"USERNAME": "eve", "PASSWORD": word},
        )["AuthenticationResult"]["AccessToken"]
        assert refused(api.with_headers(authorization=token).ask(WHO))[0] == 401

    def test_a_field_for_a_group_is_null_for_others(
        self, api: Api, tokens: Any, new_id: Any
    ) -> None:
        identity = new_id()
        api.create("Merged", id=identity, name="n")
        query = f'{{ getMerged(id: "{identity}") {{ name secret }} }}'
        ann = api.with_headers(authorization=tokens["ann"]["AccessToken"]).ask(query)
        assert ann.data == {"getMerged": {"name": "n", "secret": None}}
        bob = api.with_headers(authorization=tokens["bob"]["AccessToken"]).ask(query)
        assert bob.body["data"] == {"getMerged": {"name": "n", "secret": None}}
        assert bob.error["errorType"] == "Unauthorized"
        assert bob.error["message"] == "Not Authorized to access secret on type Merged"
        assert bob.error["path"] == ["getMerged", "secret"]

    def test_a_field_without_a_directive_is_for_the_default_mode(
        self, api: Api, tokens: Any
    ) -> None:
        answer = api.with_headers(authorization=tokens["ann"]["IdToken"]).ask("{ keyOnly }")
        assert answer.error["message"] == "Not Authorized to access keyOnly on type Query"
        assert api.ask("{ keyOnly }").data == {"keyOnly": None}


class TestSignature:
    """AWS_IAM."""

    def ask(
        self,
        api: Api,
        *,
        key: str = ACCESS_KEY,
        secret: str = SECRET_KEY,
        token: str | None = None,
        service: str = "appsync",
        sent: str = WHO,
    ) -> Answer:
        body = json.dumps({"query": WHO}).encode()
        request = AWSRequest("POST", api.url, {"content-type": "application/json"}, body)
        SigV4Auth(Credentials(key, secret, token), service, "eu-west-1").add_auth(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        return api.with_headers(**headers).send(json.dumps({"query": sent}).encode())

    def test_a_good_signature(self, api: Api) -> None:
        said = who(self.ask(api))
        assert said["type"] == "IAM Authorization"
        assert said["identity"]["userArn"] == "arn:aws:iam::000000000000:root"
        assert said["identity"]["accountId"] == "000000000000"

    def test_a_role_signs_with_its_session_token(self, api: Api, aws: LocalAws) -> None:
        credentials = aws.client("sts").assume_role(
            RoleArn="arn:aws:iam::000000000000:role/any", RoleSessionName="me"
        )["Credentials"]
        signed = {"key": credentials["AccessKeyId"], "secret": credentials["SecretAccessKey"]}
        answer = self.ask(api, **signed, token=credentials["SessionToken"])
        assert who(answer)["identity"]["userArn"].endswith("assumed-role/any/me")
        assert refused(self.ask(api, **signed, token="x"))[0] == 403

    def test_a_user_signs(self, api: Api, aws: LocalAws) -> None:
        iam = aws.client("iam")
        iam.create_user(UserName="carl")
        key = iam.create_access_key(UserName="carl")["AccessKey"]
        answer = self.ask(api, key=key["AccessKeyId"], secret=key["SecretAccessKey"])
        assert who(answer)["identity"]["userArn"].endswith("user/carl")

    def test_another_secret_is_refused(self, api: Api) -> None:
        status, kind, message = refused(self.ask(api, secret="wrong"))
        assert (status, kind) == (400, "BadRequestException")
        assert message.startswith("The request signature we calculated does not match")

    def test_another_body_is_refused(self, api: Api) -> None:
        assert refused(self.ask(api, sent="{ keyOnly }"))[1] == "BadRequestException"

    @pytest.mark.parametrize("key", ["NOBODYS-KEY", "test"])
    def test_an_unknown_key_is_refused(self, api: Api, key: str) -> None:
        assert refused(self.ask(api, key=key, secret="test"))[:2] == (
            403,
            "UnrecognizedClientException",
        )

    def test_another_service_is_refused(self, api: Api) -> None:
        assert refused(self.ask(api, service="execute-api"))[0] == 403

    def test_an_old_signature_is_refused(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        import botocore.auth

        monkeypatch.setattr(
            botocore.auth,
            "get_current_datetime",
            lambda **_: time_at(time.time() - 3600),
        )
        assert refused(self.ask(api))[:2] == (403, "InvalidSignatureException")


class TestFunction:
    """AWS_LAMBDA."""

    def test_an_authorizer_lets_in_and_says_more(self, api: Api) -> None:
        said = who(api.with_headers(authorization="let me in please").ask(WHO))
        assert said == {
            "identity": {"resolverContext": {"said": "let me in please"}},
            "type": "Lambda Authorization",
        }

    def test_an_authorizer_refuses(self, api: Api) -> None:
        answer = api.with_headers(authorization="open").ask(WHO)
        assert refused(answer)[2] == "You are not authorized to make this call."

    def test_an_authorizer_denies_fields(self, api: Api) -> None:
        answer = api.with_headers(authorization="let me in").ask("{ keyOnly }")
        assert answer.error["errorType"] == "Unauthorized"


def time_at(seconds: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
