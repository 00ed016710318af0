"""What CloudFormation cannot do for vector stores, as custom resources.

| resource type | what it does |
| --- | --- |
| Custom::IndexAdmitted | waits until a search collection lets its principals in |
| Custom::SearchIndex | an index of an OpenSearch domain, and who may use it |
| Custom::PostgresSchema | a table for vectors in a database cluster, and its user |
| Custom::RedisKnowledgeBase | a knowledge base on Redis Enterprise Cloud |

Each module has `create`, `update` and `delete`, which get the resource's properties, among them
CloudFormation's `RequestId`, and a Deadline, and give the physical identifier and attributes.
"""
