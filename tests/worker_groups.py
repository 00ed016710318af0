"""Which tests pytest-xdist gives to one worker, and which it gives out first.

Tests of a file that says `xdist_group("name")` go to one worker, with those of every other file
that says the same. pytest-xdist itself writes the name behind each test's id, where pytest 9.2 no
longer looks, so that it would take no notice of groups: https://pypi.org/project/pytest-xdist/3.8.0

What takes longest begins first, so that the workers end together.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadGroupScheduling

REPOSITORY = Path(__file__).resolve().parents[1]
MARK = re.compile(r'xdist_group\("([^"]+)"\)')
# Over half a minute each, on two quiet cores.
LONGEST_FIRST = ("appsync", "local-aws", "judges", "fleet", "functions", "bedrock")


@functools.cache
def group_of(path: str) -> str | None:
    """The group that a file of tests names."""
    found = MARK.search((REPOSITORY / path).read_text())
    return found.group(1) if found else None


class GroupScheduling(LoadGroupScheduling):
    """Groups by what files say."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::")[0]) or nodeid

    def _assign_work_unit(self, node: Any) -> None:
        for name in reversed(LONGEST_FIRST):
            if name in self.workqueue:
                self.workqueue.move_to_end(name, last=False)
        super()._assign_work_unit(node)


def scheduler(config: pytest.Config, log: Any) -> GroupScheduling | None:
    """For `--dist loadgroup`; None for what pytest-xdist does well alone."""
    return GroupScheduling(config, log) if config.getvalue("dist") == "loadgroup" else None
