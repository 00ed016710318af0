"""What was said before: turns in their order, the older ones condensed. No AWS here."""

from __future__ import annotations

from hashlib import sha256

from chat.passages import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

SUMMARISE_AT_TURNS = 8
SUMMARISE_AT_CHARACTERS = 8_000
KEPT_TURNS = 4
"""Turns that are left as they were said when older ones are condensed."""
LONGEST_ANSWER = 2_000
"""Characters of an answer that later questions see."""
LONGEST_SUMMARY = 2_000


class Turn:
    """A question and what was answered."""

    __slots__ = ("answer", "number", "question")

    def __init__(self, number: int, *, question: str, answer: str) -> None:
        self.number = number
        self.question = question
        self.answer = answer


class Conversation:
    """The turns after `through`, and the summary of those up to it; `taken` is the newest number,
    if it belongs to a turn that has expired.
    """

    __slots__ = ("_taken", "key", "summary", "through", "turns")

    def __init__(
        self,
        key: str,
        *,
        turns: Sequence[Turn] = (),
        summary: str = "",
        through: int = 0,
        taken: int = 0,
    ) -> None:
        self._taken = taken
        self.key = key
        self.summary = summary
        self.through = through
        self.turns = sorted(
            (turn for turn in turns if turn.number > through), key=lambda turn: turn.number
        )

    @property
    def begun(self) -> bool:
        """Whether a question may refer to something that was said."""
        return bool(self.turns or self.summary)

    @property
    def last_number(self) -> int:
        """The number of the newest turn."""
        return max(self.turns[-1].number if self.turns else self.through, self._taken)

    @property
    def context(self) -> str:
        """Names what a follow-up can refer to; '' at the beginning of a conversation."""
        return sha256(self.history().encode()).hexdigest() if self.begun else ""

    def history(self) -> str:
        """As prompts show it: tags of ours, the users' text escaped."""
        return _shown(self.summary, self.turns)

    def to_condense(self) -> list[Turn]:
        """The turns that a summary should take over now; none while the conversation is short."""
        size = sum(len(turn.question) + len(turn.answer) for turn in self.turns)
        long = len(self.turns) >= SUMMARISE_AT_TURNS or size > SUMMARISE_AT_CHARACTERS
        return self.turns[:-KEPT_TURNS] if long else []

    def condensable(self) -> str:
        """The history that a summary is made of."""
        return _shown(self.summary, self.to_condense())


def key_of(*, tenant: str, user: str, conversation_id: str) -> str:
    """The partition key. Nobody else's tenant or user gives the same one."""
    parts = "".join(f"{len(part)}:{part}" for part in (tenant, user, conversation_id))
    return sha256(parts.encode()).hexdigest()


def _shown(summary: str, turns: Sequence[Turn]) -> str:
    lines = [f"<summary>{escaped(summary)}</summary>"] if summary else []
    for turn in turns:
        answer = turn.answer[:LONGEST_ANSWER]
        lines.append(
            f"<turn><user>{escaped(turn.question)}</user>"
            f"<assistant>{escaped(answer)}</assistant></turn>"
        )
    return "\n".join(lines)
