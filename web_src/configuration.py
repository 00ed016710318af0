"""config.json of the web app, from the outputs of the deployed stack.

    python -m web_src.configuration Groundwork-prod-Offline > web_src/dist/app/config.json

with the credentials and the Region of the account. The app asks for the file at run time, so one
build serves every stage, and the local AWS too, which makes it by itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

OUTPUTS = {
    "graphqlUrl": "GraphqlUrl",
    "userPoolId": "UserPoolId",
    "userPoolClientId": "UserPoolClientId",
    "identityPoolId": "IdentityPoolId",
    "photosBucket": "PhotosBucketName",
}


def configuration(outputs: Mapping[str, str], *, region: str) -> dict[str, str]:
    """What the app needs to know. Raises ValueError when the outputs are another stack's."""
    missing = sorted(set(OUTPUTS.values()) - set(outputs))
    if missing:
        raise ValueError(
            f"the stack has no outputs {', '.join(missing)}; name the one that ends in -Offline"
        )
    return {"region": region} | {name: outputs[output] for name, output in OUTPUTS.items()}


def main(arguments: list[str]) -> int:
    """Print it for a stack of the account."""
    if len(arguments) != 1:
        print("usage: python -m web_src.configuration STACK", file=sys.stderr)
        return 2
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        cloudformation = boto3.client("cloudformation")
        (stack,) = cloudformation.describe_stacks(StackName=arguments[0])["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        print(json.dumps(configuration(outputs, region=cloudformation.meta.region_name), indent=2))
    except (BotoCoreError, ClientError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
