"""AppSync: the GraphQL APIs that CloudFormation deployed into the engine, played for real.

MiniStack keeps the records of the control plane; what answers GraphQL, merges conflicts, keeps the
delta table and pushes to subscribers is here. docs/fidelity.md says where AWS leaves a choice.
"""
