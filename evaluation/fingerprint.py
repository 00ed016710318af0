"""With which prompts and code of the chat function answers were recorded.

Recorded answers are scored again and again while prompts and code go on. A fingerprint that is kept
beside them says whether what they tell is still of today. It is that of this checkout: whoever asks
an account deploys it first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation import REPOSITORY
from evaluation.recording import Recording

PARTS = (("prompts", "*.toml"), ("lambda_src/chat", "**/*.py"))
DIGITS = 16
CACHE = "cache"


def fingerprint(repository: Path = REPOSITORY) -> str:
    """A digest of names and contents."""
    digest = hashlib.sha256()
    for folder, pattern in PARTS:
        for path in sorted((repository / folder).glob(pattern)):
            content = path.read_bytes()
            name = path.relative_to(repository).as_posix()
            digest.update(f"{name} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:DIGITS]


def differences(recordings: Sequence[Recording], now: str) -> Iterator[str]:
    """A sentence for each recording that was made with something else, or does not say with what.

    No failures: what was recorded is as true as it was, of what it was recorded with.
    """
    for each in recordings:
        parts = dict.fromkeys(answer.technique for answer in each.answers)
        if each.cache:
            parts[CACHE] = None
        unknown = [part for part in parts if part not in each.made_with]
        other = [part for part in parts if each.made_with.get(part, now) != now]
        if unknown:
            yield (
                f"{each.name}: nothing says with which prompts and code of the chat function these "
                f"were recorded: {', '.join(unknown)}"
            )
        if other:
            yield (
                f"{each.name}: recorded with other prompts or code of the chat function: "
                f"{', '.join(other)}; --record measures what changed"
            )
