"""Write what is made from the schema: `python -m modelgen`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from graphql import GraphQLError

from modelgen.api_schema import api_schema
from modelgen.domain import SchemaError, read_domain
from modelgen.plans import plans

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "appsync_src" / "schema.graphql"
API = REPOSITORY / "appsync_src" / "api.graphql"
PLANS = REPOSITORY / "appsync_src" / "models.json"
CLIENTS = REPOSITORY / "models" / "datastore"


def main() -> None:
    """Read the schema, then write the API's schema, the plans and the models of web clients."""
    try:
        domain = read_domain(SOURCE.read_text())
    except (SchemaError, GraphQLError) as error:
        sys.exit(f"appsync_src/schema.graphql: {error}")
    API.write_text(api_schema(domain))
    PLANS.write_text(json.dumps(plans(domain), indent=2) + "\n")
    subprocess.run(
        ["node", str(REPOSITORY / "modelgen" / "clients.mjs"), "javascript", str(CLIENTS)],
        check=True,
    )
    print("wrote appsync_src/api.graphql, appsync_src/models.json and models/datastore")


if __name__ == "__main__":
    main()
