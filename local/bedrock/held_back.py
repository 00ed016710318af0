"""A guarded stream in `sync` mode: sentences are sent on when the guardrail has read them.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-streaming.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from local.bedrock.guardrail_parts import Verdict

SENTENCE_END = re.compile(r"[.!?][\"')\]]*\s+|\n+")


class HeldBack:
    """Hears an answer piece by piece, and releases it up to the last sentence that may be shown.

    What is stopped now may pass together with what follows, so it waits for the end.
    """

    def __init__(self, *, assess: Callable[[str], Verdict], release: Callable[[str], None]) -> None:
        self.released = ""
        self._heard = ""
        self._read = 0
        self._assess = assess
        self._release = release

    def hear(self, piece: str) -> None:
        """The next piece."""
        self._heard += piece
        end = max((each.end() for each in SENTENCE_END.finditer(self._heard)), default=0)
        if end > self._read:
            self._read = end
            verdict = self._assess(self._heard[:end])
            if not verdict.blocked:
                self.say(verdict.texts[0])

    def say(self, text: str) -> bool:
        """Release what is new in the text so far; false when it does not go on as it began."""
        if not text.startswith(self.released):
            return False
        if text != self.released:
            self._release(text.removeprefix(self.released))
            self.released = text
        return True
