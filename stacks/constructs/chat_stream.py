"""A second way to the function `chat`, on which answers come word by word."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.constructs.python_function import ALIAS, PythonFunction

# lambda_src/chat/stream starts the loop that streams; without it the handler answers as a whole.
WRAPPER = "/var/task/chat/stream"
HANDLER = "chat.streaming.handler"


class ChatStream(Construct):
    """A function URL that streams, for callers who sign their requests.

    docs/decisions/0006-answers-that-stream.md has the reasons. The URL asks IAM; who may call needs
    lambda:InvokeFunctionUrl and lambda:InvokeFunction on the alias
    (https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html). No permission of the function's
    own lets anybody else in.

    Attribute: `url`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, function: PythonFunction) -> None:
        super().__init__(scope, construct_id)
        resource = lambda_.CfnUrl(
            self,
            "Url",
            target_function_arn=function.function.function_arn,
            qualifier=ALIAS,
            auth_type="AWS_IAM",
            invoke_mode="RESPONSE_STREAM",
        )
        resource.node.add_dependency(function.alias)
        self.url = resource.attr_function_url
