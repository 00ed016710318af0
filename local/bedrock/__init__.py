"""Bedrock's data plane in the engine: models, guardrails, knowledge bases, played for real.

MiniStack keeps the records of what is deployed; what invokes, retrieves, ingests and guards is
here, in front of it. docs/fidelity.md says what plays which model and where AWS leaves a choice.
"""
