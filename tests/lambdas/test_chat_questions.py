"""What may be asked, by whom; which questions may share an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chat.answer_cache import key_of, scope_of
from chat.callers import caller_of
from chat.filters import OPERATORS, limited_to, problem_of
from chat.questions import FIELDS, TECHNIQUES, question_of
from chat.same_question import may_share_answer, normalised
from edge.http_api import Problem, Request
from evaluation.golden.golden_set import HERE, CachePair
from local.stores.metadata_filter import check, matches
from tests.lambdas.chat_world import FOUR_DAYS, World

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")

OWN_PAIRS = [CachePair(**each) for each in json.loads((HERE / "own_pairs.json").read_text())]
SIMPLE = {"equals": {"key": "year", "value": 2026}}


def refused(content: Any) -> dict[str, str]:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(Problem) as raised:
        question_of(body)
    problem = raised.value
    assert problem.status == 400
    for error in problem.errors:
        assert error["problem"] and error["remedy"]
    return {error["field"]: error["problem"] for error in problem.errors}


def test_a_question_has_defaults() -> None:
    question = question_of(b'{"question": "  How\\n long? "}')
    assert (question.text, question.technique, question.filter) == ("How long?", "rag", None)
    assert question.new and len(question.conversation_id) == 32


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_all_fields_are_read(technique: str) -> None:
    body = {"question": "q", "conversation_id": "c-1", "technique": technique, "filter": SIMPLE,
            "tenant": "acme"}  # fmt: skip
    question = question_of(json.dumps(body).encode())
    assert not question.new and question.conversation_id == "c-1" and question.tenant == "acme"
    assert question.technique == technique and question.filter == SIMPLE


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "question"), ({"question": 1}, "question"), ({"question": "  "}, "question"),
        ({"question": "x" * 1001}, "question"), (b'{"question":"\\ud800"}', "question"),
        ({"question": "How\0 long?"}, "question"), ({"question": "\x1b[2J?"}, "question"),
        ({"question": "q", "conversation_id": ""}, "conversation_id"),
        ({"question": "q", "conversation_id": "a/b"}, "conversation_id"),
        ({"question": "q", "conversation_id": "a" * 65}, "conversation_id"),
        ({"question": "q", "technique": "magic"}, "technique"),
        ({"question": "q", "technique": ["rag"]}, "technique"),
        ({"question": "q", "tenant": {}}, "tenant"), ({"question": "q", "model": "m"}, "model"),
        ({"question": "q", "filter": {"equals": 1}}, "filter"), ([], "body"), (None, "body"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_field(content: Any, field: str) -> None:
    assert list(refused(content)) == [field]


def test_everything_that_is_wrong_is_named_at_once() -> None:
    assert set(refused({"technique": 1, "filter": [], "x": 1})) == {
        "question", "technique", "filter", "x"
    }  # fmt: skip


def test_what_is_no_json_or_too_large_is_refused() -> None:
    for body in (b"", b"{", b"[" * 5000, b"\xff"):
        assert refused(body) == {}
    with pytest.raises(Problem) as raised:
        question_of(b'{"question":"' + b"x" * 40_000 + b'"}')
    assert raised.value.status == 413


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FIELDS, *OPERATORS, "key", "value"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_json_is_a_question_or_a_problem(content: Any) -> None:
    try:
        question = question_of(json.dumps(content).encode())
    except Problem as problem:
        assert problem.status == 400
    else:
        assert question.text


@pytest.mark.parametrize(
    "content",
    [SIMPLE, {"in": {"key": "k", "value": ["a", 1]}}, {"lessThan": {"key": "k", "value": 1.5}},
     {"andAll": [SIMPLE, {"orAll": [SIMPLE, SIMPLE]}]}, {"startsWith": {"key": "k", "value": "a"}}],
)  # fmt: skip
def test_good_filters(content: Any) -> None:
    assert problem_of(content) is None
    assert problem_of(limited_to(content, key="tenant", value="a")) is None


@pytest.mark.parametrize(
    "content",
    [{}, [], "x", {"equals": {"key": "k"}}, {"equals": {"key": "", "value": 1}},
     {"equals": {"key": "k", "value": {"a": 1}}}, {"in": {"key": "k", "value": "a"}},
     {"lessThan": {"key": "k", "value": True}}, {"andAll": [SIMPLE]}, {"andAll": [SIMPLE] * 6},
     {"andAll": [SIMPLE, {"orAll": [SIMPLE, {"andAll": [SIMPLE, SIMPLE]}]}]},
     {"equals": {"key": "k", "value": 1}, "in": {}}, {"like": {"key": "k", "value": "x"}},
     {"equals": {"key": "k", "value": "x" * 3000}}, {"equals": {"key": "\ud800", "value": 1}},
     {"equals": {"key": "k", "value": "\ud800"}}, {"in": {"key": "k", "value": ["\0"]}},
     {"equals": {"key": "k\n", "value": 1}}, {"lessThan": {"key": "k", "value": float("nan")}},
     {"equals": {"key": "k", "value": float("inf")}}, {"in": {"key": "k", "value": [10**400]}}],
)  # fmt: skip
def test_bad_filters(content: Any) -> None:
    assert problem_of(content) is not None


PLAIN = st.builds(
    lambda key, value: {"equals": {"key": key, "value": value}},
    st.sampled_from("ab"), st.integers(0, 1),
)  # fmt: skip
FILTERS = st.recursive(
    PLAIN,
    lambda inner: st.builds(
        lambda operator, parts: {operator: parts},
        st.sampled_from(["andAll", "orAll"]), st.lists(inner, min_size=2, max_size=5),
    ),
    max_leaves=12,
)  # fmt: skip


@given(FILTERS, st.sampled_from(["acme", "other"]), st.integers(0, 1), st.integers(0, 1))
def test_a_filter_with_the_tenant_in_it_accepts_what_both_accept(
    content: Any, tenant: str, a: int, b: int
) -> None:
    """Where both fit into two levels; otherwise the caller hears of it, not Bedrock."""
    assume(problem_of(content) is None)
    metadata: dict[str, Any] = {"a": a, "b": b, "tenant": tenant}
    try:
        limited = limited_to(content, key="tenant", value="acme")
    except Problem as problem:
        assert problem.status == 400 and problem.errors[0]["field"] == "filter"
        return
    check(limited)
    assert matches(limited, metadata) == (tenant == "acme" and matches(content, metadata))


@pytest.mark.parametrize(
    "content",
    [{"orAll": [SIMPLE, {"andAll": [SIMPLE] * 4}]}, {"orAll": [{"orAll": [SIMPLE] * 2}] * 2},
     {"andAll": [SIMPLE] * 5}, {"andAll": [SIMPLE, {"orAll": [SIMPLE] * 5}]},
     {"andAll": [*[SIMPLE] * 2, *[{"orAll": [SIMPLE] * 2}] * 3]}],
)  # fmt: skip
def test_filters_that_leave_room_for_the_tenant(content: Any) -> None:
    check(limited_to(content, key="tenant", value="acme"))


def test_a_filter_that_leaves_no_room_for_the_tenant_is_refused_before_it_is_searched(
    world: World,
) -> None:
    full = {"andAll": [SIMPLE, *[{"orAll": [SIMPLE] * 2}] * 4]}
    assert problem_of(full) is None
    world.bedrock.says = lambda prompt: FOUR_DAYS
    assert world.ask("How long?", filter=full)["answered"]
    world.settings["tenant_key"] = "tenant"
    with pytest.raises(Problem) as raised:
        world.ask("How long?", filter=full)
    assert raised.value.status == 400 and raised.value.errors[0]["field"] == "filter"


def event(**authorizer: Any) -> dict[str, Any]:
    return {"requestContext": {"authorizer": authorizer}}


def request(caller: str) -> Request:
    return Request(method="POST", path=["chat"], headers={}, body=b"", caller=caller)


ROLE = "arn:aws:sts::123456789012:assumed-role/Portal/session"


def test_the_tenant_is_the_tokens() -> None:
    token = event(jwt={"claims": {"tenant": "acme", "custom:org": "other"}})
    caller = caller_of(token, request("i s"), named=None, environ={})
    assert (caller.tenant, caller.user) == ("acme", "i s")
    named = {"TENANT_CLAIM": "custom:org"}
    assert caller_of(token, request("i s"), named=None, environ=named).tenant == "other"
    assert caller_of({}, request(ROLE), named=None, environ={}).tenant == "default"


@pytest.mark.parametrize(
    ("sender", "trusted", "allowed"),
    [
        (ROLE, ROLE, True), (f"{ROLE}-2", ROLE, False),
        (ROLE, "arn:aws:sts::123456789012:assumed-role/Portal/", True),
        (ROLE, "arn:aws:sts::123456789012:assumed-role/Portal", False),
        (ROLE.replace("Portal", "Portal-debug"), ROLE.rpartition("/")[0], False),
        (ROLE, "arn:aws:sts::1:assumed-role/A/,  arn:aws:sts::123456789012:assumed-role/", True),
        (ROLE, "arn:aws:sts::123456789012:", False),
        (ROLE, "", False), (ROLE, ",", False),
        (ROLE, "arn:aws:sts::123456789012:assumed-role/Other/", False),
        ("https://issuer subject", "https://issuer", False), ("", "", False),
    ],
)  # fmt: skip
def test_only_trusted_callers_name_a_tenant(sender: str, trusted: str, allowed: bool) -> None:
    environ = {"TENANT_CALLERS": trusted}
    if allowed:
        found = caller_of({}, request(sender), named="other", environ=environ)
        assert found.tenant == "other"
        return
    with pytest.raises(Problem) as raised:
        caller_of({}, request(sender), named="other", environ=environ)
    assert raised.value.status == 403


# --- questions that ask the same ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How long are messages kept?", "For how long are messages kept"),
        ("What is a dead-letter queue?", "what is a dead-letter queue"),
        ("Can I delete a queue in SQS?", "May I delete a SQS queue?"),
        ("Are there 3 copies?", "Are there three copies?"),
        ("How do I limit a function to 1,024 MB?", "How is a function limited to 1024 MB?"),
        ("How long are messages kept in SQS?", "In SQS, how long are messages kept?"),
        ("Can I pay by card at the pharmacy?", "At the pharmacy, can I pay by card?"),
        (
            "How do I move a file from a disk to a bucket?",
            "How do I move a file to a bucket from a disk?",
        ),
        ("How do queues and topics differ?", "How do topics and queues differ?"),
        ("How do I get a copy?", "How can I obtain a copy, please?"),
        ("Where's the office?", "Where is the office"),
        ("Are there 12 copies?", "Are there twelve copies?"),
    ],
)
def test_paraphrases_may_share_an_answer(one: str, other: str) -> None:
    assert may_share_answer(one, other) and may_share_answer(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is it kept for 7 days?", "Is it kept for 30 days?"),
        ("Is it kept for seven days?", "Is it kept for eight days?"),
        ("Can I change the type of a queue?", "Can I not change the type of a queue?"),
        ("Which are encrypted?", "Which aren't encrypted?"),
        ("How long does SQS keep messages?", "How long does SNS keep messages?"),
        ("Does Lambda cost anything?", "Does Fargate cost anything?"),
        ("What is the maximum size?", "What is the minimum size?"),
        ("How do I enable versioning?", "How do I disable versioning?"),
        ("What happens before the deletion?", "What happens after the deletion?"),
        ("What does `FilterPolicy` mean?", "What does `RedrivePolicy` mean?"),
        ("Which roles start the job?", "Which roles stop the job?"),
        ("Is us-east-1 covered?", "Is us-east-2 covered?"),
        ("How do I create an alias?", "How do I delete an alias?"),
        ("Does a parent override its child?", "Does a child override its parent?"),
        ("Transfer from account one to account two", "Transfer from account two to account one"),
        ("How to convert euros to dollars?", "How to convert dollars to euros?"),
        ("Who pays, does the buyer pay the seller?", "Who pays, does the seller pay the buyer?"),
        ("Does a queue use a topic?", "Does a topic use a queue?"),
        ("May I ask how many targets a system may have?", "How many systems may a target have?"),
        ("Tell me which targets a system has", "Which system has targets?"),
        ("Is a fee of 5 for 10 orders?", "Is a fee of 10 for 5 orders?"),
        ("Is the shop open on monday?", "Is the shop open on tuesday?"),
        ("Is it open on monday morning?", "Is it open on sunday afternoon?"),
        ("Is it safe with alcohol?", "Is it unsafe with alcohol?"),
        ("Is it free for orders under 50?", "Is it free for orders over 50?"),
    ],
)
def test_one_word_that_changes_the_answer_is_enough(one: str, other: str) -> None:
    assert not may_share_answer(one, other) and not may_share_answer(other, one)


@pytest.mark.parametrize("pair", OWN_PAIRS, ids=lambda pair: pair.second)
def test_pairs_in_own_words_are_told_apart_by_their_words_alone(pair: CachePair) -> None:
    """Half of the traps exchange two things, half have another word in one's place: embeddings see
    neither.
    """
    assert may_share_answer(pair.first, pair.second) == pair.same


@given(st.text(max_size=60), st.text(max_size=60))
def test_sharing_is_symmetric_and_every_question_shares_with_itself(one: str, other: str) -> None:
    assert may_share_answer(one, one)
    assert may_share_answer(one, other) == may_share_answer(other, one)


@given(
    question=st.text(st.sampled_from("abc dDE"), min_size=1, max_size=30),
    number=st.integers(0, 10**6), other=st.integers(0, 10**6), at=st.integers(0, 30),
)  # fmt: skip
def test_another_number_is_another_question(
    question: str, number: int, other: int, at: int
) -> None:
    one, two = (f"{question[:at]} {n} {question[at:]}" for n in (number, other))
    assert may_share_answer(one, two) == (number == other)


@given(st.text(max_size=40))
def test_the_normal_form_is_stable_and_names_the_key(question: str) -> None:
    assert normalised(normalised(question)) == normalised(question)
    assert key_of(question) == key_of(f"  {question} ?")


PARTS = st.dictionaries(st.sampled_from("abcdef"), st.text(max_size=3) | st.none(), max_size=6)


@given(PARTS, PARTS)
def test_scopes_are_equal_when_all_of_their_parts_are(one: Any, other: Any) -> None:
    assert (scope_of(**one) == scope_of(**other)) == (one == other)
