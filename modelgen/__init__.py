"""From `appsync_src/schema.graphql` to the API's schema, the resolvers' plans and client models.

`python -m modelgen` (or `make models`) writes all of them; what it writes is committed, so that a
deployment needs neither this package nor npm, and a review shows what a change of the schema does.
"""
