"""The assistant with the cache in the network, a global profile and the evaluation: accepted."""

from __future__ import annotations

from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.test_snapshots import normalised


def test_everything_that_can_be_chosen_is_the_accepted_one(templates, snapshot) -> None:
    accepted = snapshot.use_extension(JSONSnapshotExtension)
    assert normalised(templates["keys"]["Assistant"]) == accepted
