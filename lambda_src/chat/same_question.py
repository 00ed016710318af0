"""Whether two questions may share an answer, beyond what the distance of their vectors says.

Embeddings put `in 7 days` next to `in 30 days` and `can` next to `cannot`: in a set of such pairs a
changed number scores a similarity of 0.90 in the median, a paraphrase 0.80, so no threshold tells
them apart; `from euros to dollars` is nearer to `from dollars to euros` (0.997) than to most of its
paraphrases. What must be equal is therefore compared as text. A miss is cheap, a wrong answer is
not.
"""

from __future__ import annotations

import re

from chat.words import SPELLED, STOP, WORD, content_words, negations, numbers, stem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = re.compile(r"[^\W\d_][\w./:@\-]*")
QUOTED = re.compile(r"[\"'`“‘]([^\"'`”’]{1,80})[\"'`”’]")
OPPOSITES = (
    ("minimum", "maximum"), ("min", "max"), ("least", "most"), ("lowest", "highest"),
    ("before", "after"), ("enable", "disable"), ("start", "stop"), ("create", "delete"),
    ("add", "remove"), ("allow", "deny"), ("open", "close"), ("increase", "decrease"),
    ("first", "last"), ("input", "output"), ("read", "write"), ("with", "without"),
    ("more", "less"), ("above", "below"), ("encrypt", "decrypt"), ("attach", "detach"),
    ("import", "export"), ("public", "private"), ("inbound", "outbound"), ("oldest", "newest"),
    ("old", "new"), ("all", "some"), ("always", "sometimes"), ("upload", "download"),
    ("over", "under"), ("within", "after"),
)  # fmt: skip
SYNONYMS = (
    ("get", "obtain", "receive", "retrieve", "fetch"), ("show", "display", "view"),
    ("start", "begin"), ("remove", "delete"), ("change", "modify"), ("fast", "quick"),
    ("fastest", "quickest"), ("buy", "purchase"), ("choose", "select"), ("fix", "repair"),
    ("previous", "earlier"), ("maximum", "max"), ("minimum", "min"),
)  # fmt: skip
"""Words that may stand for each other in a question."""
ALIKE = {stem(word): stem(group[0]) for group in SYNONYMS for word in group}
SHORT_IS = re.compile(r"['’]s\b", re.IGNORECASE)
_PREPOSITIONS = (
    "to from into onto in on of with by for at than as over under before after through between near"
)
PREPOSITIONS = frozenset(_PREPOSITIONS.split())
_VERBS = (
    "use uses used using has have had do does did is are was were can could may might must should "
    "will would"
)
RELATIONS = PREPOSITIONS | frozenset(_VERBS.split())
"""Little words that say which of two things is which to the other."""
JOINED = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
OWNERS = frozenset({"my", "your", "our", "their", "its"})
"""Little words that tell two things apart where there is one of them."""
ASKING = re.compile(
    r"\b(?:who(?:se|m)?|when|where|why|how(?! m(?:uch|any)\b)|(what|which|how))\b", re.IGNORECASE
)
"""The group is what leaves open what is asked for."""
_MUST = re.compile(r"\b(?:must|ha(?:ve|s) to)\b", re.IGNORECASE)
_SHOULD = re.compile(r"\b(?:should|need(?:s|ed)?|required)\b", re.IGNORECASE)
_EACH = re.compile(r"\b(?:all|each|every)\b", re.IGNORECASE)
_ONLY = re.compile(r"\bonly\b", re.IGNORECASE)
_ANY = re.compile(r"\bany\b", re.IGNORECASE)
KINDS = (_MUST, _EACH, _ONLY, _ANY)
"""Little words that make another question of one; `can`, `may` and `do` ask for the same."""


def normalised(question: str) -> str:
    """Questions that are equal in this form are the same question."""
    return " ".join(question.split()).rstrip(" ?!.")


def may_share_answer(one: str, other: str) -> bool:
    """Whether nothing that changes an answer differs: numbers, negations, names, what is asked for
    and of how many, opposites, a word in another's place, two words that have changed places.
    """
    if normalised(one) == normalised(other):
        return True
    return (
        numbers(one) == numbers(other)
        and negations(one) == negations(other)
        and names(one) == names(other)
        and _meaning(one) == _meaning(other)
        and not _opposed(one, other)
        and not _replaced(one, other)
        and not _exchanged(one, other)
    )


def names(question: str) -> set[str]:
    """What is named: quoted, capitalised (not as the first word alone), or with capitals, digits
    or signs inside.
    """
    found = {match.lower() for match in QUOTED.findall(question)}
    for index, match in enumerate(NAME.finditer(question)):
        word = match.group().rstrip(".:/-")
        capital = word[:1].isupper() and index > 0 and word != "I"
        inside = any(sign.isupper() or sign.isdigit() or sign in "._/:@" for sign in word[1:])
        if capital or inside:
            found.add(word.lower().removesuffix("'s"))
    return found


def _meaning(question: str) -> list[str | bool]:
    """The word that asks, and which of KINDS there are. `What` and `which` leave open what is asked
    for, and words after the first one ask nothing: `what happens when`. `Who should I ask` is as
    good as `who do I ask`, `should I ask` is not `do I ask`.
    """
    asking = ASKING.search(question)
    if asking is None:
        return ["", bool(_SHOULD.search(question)), *_kinds(question)]
    return ["" if asking.group(1) else asking.group().lower(), False, *_kinds(question)]


def _kinds(question: str) -> list[bool]:
    return [bool(kind.search(question)) for kind in KINDS]


def _replaced(one: str, other: str) -> bool:
    """Whether each question has a word that the other lacks; what one of them has more is not
    another question: `please`, `the specified group`.
    """
    first, second = _meant(one), _meant(other)
    return bool(first - second and second - first)


def _meant(question: str) -> set[str]:
    words = content_words(SHORT_IS.sub("", question))
    return {ALIKE.get(word, word) for word in words if not word.isdigit() and word not in SPELLED}


def _exchanged(one: str, other: str) -> bool:
    """Whether two things have changed places, and with them what is said of each.

    So it is if a word stands between them in both questions: `from euros to dollars`, `does the
    parent override the child`. And so it is if they stand in another order, and neither has kept a
    preposition of its own, as in `in SQS, how long ...`, nor do other little words relate them, as
    in `queue in SQS` and `SQS queue`, nor are they joined by `and`.
    """
    first, second = list(_in_order(one)), list(_in_order(other))
    places = {word: place for place, word in enumerate(second)}
    shared = [word for word in first if word in places]
    if [places[word] for word in shared] == sorted(places[word] for word in shared):
        return False
    things = [word[0] not in RELATIONS for word in shared]
    at = [places[word] for word in shared]
    if any(
        any(thing and place > here for thing, place in zip(things[:middle], at, strict=False))
        and any(
            thing and place < here
            for thing, place in zip(things[middle + 1 :], at[middle + 1 :], strict=True)
        )
        for middle, here in enumerate(at)
    ):
        return True
    if _relations(first) != _relations(second) or (JOINED.search(one) and JOINED.search(other)):
        return False
    before, after = _governed(first), _governed(second)
    loose = [
        places[word]
        for word, thing in zip(shared, things, strict=True)
        if thing and not (before[word] and before[word] == after[word])
    ]
    return loose != sorted(loose)


def _relations(words: list[tuple[str, int]]) -> set[str]:
    return {word for word, _ in words if word in RELATIONS}


def _governed(words: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """For each word the last preposition before it."""
    found, last = {}, ""
    for word in words:
        last = word[0] if word[0] in PREPOSITIONS else last
        found[word] = last
    return found


def _in_order(question: str) -> Iterator[tuple[str, int]]:
    """Words that carry meaning, numbers and relations, each with how often it was there before."""
    question = SHORT_IS.sub("", question)
    owners = [word for word in WORD.findall(question.lower()) if word in OWNERS]
    seen: dict[str, int] = {}
    for match in WORD.finditer(question):
        named = _is_letter(match)
        word = match.group().lower()
        telling = named or word in RELATIONS or word in SPELLED or owners.count(word) == 1
        if word in STOP and not telling:
            continue
        word = word if word in RELATIONS else ALIKE.get(stem(word), stem(word))
        yield word, seen.setdefault(word, 0)
        seen[word] += 1


def _is_letter(word: re.Match[str]) -> bool:
    """Whether a word is a letter that names something: plan A."""
    letter = word.group()
    return len(letter) == 1 and letter.isupper() and letter != "I" and word.start() > 0


def _opposed(one: str, other: str) -> bool:
    first, second = _forms(one), _forms(other)
    return any(_crossed(left, right, first, second) for left, right in OPPOSITES)


def _crossed(left: str, right: str, first: set[str], second: set[str]) -> bool:
    """One question has the one word alone, the other question the other."""
    one_left = left in first and right not in first
    one_right = right in first and left not in first
    other_left = left in second and right not in second
    other_right = right in second and left not in second
    return (one_left and other_right) or (one_right and other_left)


def _forms(question: str) -> set[str]:
    words = set(re.findall(r"[a-z]+", question.lower()))
    return words | set(content_words(question)) | {word.rstrip("sd") for word in words}
