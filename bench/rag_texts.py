"""Short real chunks for the benchmark of vector search: what botocore says of members of shapes.

One text is one member: its name, its service and the first sentences on it. They come in an order
that follows from the installed botocore alone, so that a smaller set is the beginning of a larger.
"""

from __future__ import annotations

import gzip
import html
import json
import random
import re
from collections.abc import Iterator

from local.corpus import models

SHORTEST = 40
LONGEST = 200
"""Characters: about forty word pieces."""
_TAGS = re.compile(r"<[^<>]*>")
_BLANKS = re.compile(r"\s+")


def texts(count: int) -> list[str]:
    """Different texts in a shuffled order. Raises ValueError when there are not so many."""
    found = list(dict.fromkeys(_texts()))
    if len(found) < count:
        raise ValueError(f"botocore documents {len(found):,} different members, not {count:,}")
    random.Random(5).shuffle(found)
    return found[:count]


def _texts() -> Iterator[str]:
    for path in models():
        model = json.loads(gzip.decompress(path.read_bytes()))
        service = model["metadata"].get("serviceId", path.parent.parent.name)
        for shape in model["shapes"].values():
            for name, member in shape.get("members", {}).items():
                said = html.unescape(_TAGS.sub(" ", member.get("documentation", "")))
                said = _BLANKS.sub(" ", said).strip()
                if len(said) >= SHORTEST:
                    yield f"{name} - {service}: {said}"[:LONGEST]
