"""Custom::IndexAdmitted: a search collection lets its principals in, and the index is there.

A data-access policy is accepted before it works. Whoever comes too early is told 403, and for
CloudFormation and Bedrock that is the end of the deployment. This role is named in the same policy,
so what it is told is what the others will be told.
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html
"""

from __future__ import annotations

from vector_store.custom_resource import RefusedError
from vector_store.search_client import SearchClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vector_store.custom_resource import Deadline, Outcome, Properties

IN_A_ROW = 3
"""Answers that have to be right, as several machines answer and learn of a policy one by one."""


def create(properties: Properties, deadline: Deadline) -> Outcome:
    """Ask until the answer is what is expected; RefusedError at the deadline."""
    identifier = f"{properties['IndexName']}-{properties['Expects']}"
    wanted = {"access": (200, 404), "index": (200,)}[str(properties["Expects"])]
    client = SearchClient(str(properties["Endpoint"]), service="aoss")
    right = attempt = 0
    while right < IN_A_ROW:
        said = _asked(client, str(properties["IndexName"]))
        right = right + 1 if said in wanted else 0
        attempt = attempt + 1 if said not in wanted else 0
        if right < IN_A_ROW and not deadline.pause(attempt):
            raise RefusedError(
                f"{properties['Endpoint']} still answers {said} for {properties['IndexName']}. "
                "Deploy again; if it stays like this, look at the data-access policy, which has to "
                "name this function's role, and at the network policy."
            )
    return identifier, {}


def _asked(client: SearchClient, index: str) -> int | str:
    try:
        status, _ = client.request("GET", f"/{index}")
    except OSError as error:
        return str(error) or type(error).__name__
    return status


def update(_identifier: str, properties: Properties, deadline: Deadline) -> Outcome:
    """The same: what was admitted may no longer be."""
    return create(properties, deadline)


def delete(_identifier: str, _properties: Properties, _deadline: Deadline) -> None:
    """Nothing was made."""
