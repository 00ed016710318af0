"""What MiniStack drops from AWS::SNS::Topic: its key. Nothing is encrypted for it."""

from __future__ import annotations

from local.types.handlers import Properties, extend

KEY = "KmsMasterKeyId"


def register() -> None:
    """Store the attribute, after the stock handlers have run."""
    extend("AWS::SNS::Topic", applied=_apply)


def _apply(topic: str, _old: Properties, new: Properties) -> None:
    from ministack.services import sns

    attributes = sns._topics[topic]["attributes"]
    if new.get(KEY):
        attributes[KEY] = new[KEY]
    else:
        attributes.pop(KEY, None)
