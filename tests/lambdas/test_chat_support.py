"""What a chunk says and a sentence says in another form: numbers, units, dates, negations."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.same_question import may_share_answer
from chat.support import Chunk, Said
from chat.words import negations, numbers


def supported(chunk: str, said: str, *, computed: frozenset[str] = frozenset()) -> bool:
    found = Chunk(chunk).support(Said(said, computed=computed))
    return found is not None and found.share >= 0.5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,5 Tage", ["1.5"]), ("15 Tage", ["15"]), ("1.250,50 Euro", ["1250.5"]),
        ("1,250.50 USD", ["1250.5"]), ("1.000 Euro", ["1000"]), ("1.000.000 Euro", ["1000000"]),
        ("1.250 Euro", ["1.250"]), ("0.125", ["0.125"]), ("99.99 %", ["99.99"]),
        ("v2.3.1", ["2.3.1"]), ("1.5GB", ["1.5"]), ("items 1,2,3", ["1", "2", "3"]),
        ("1 million", ["1000000"]), ("1.5 million", ["1500000"]), ("120k", ["120000"]),
        ("1M requests", ["1000000"]), ("the first million", ["1000000"]), ("4 MB", ["4"]),
        ("262\u2009144 bytes", ["262144"]), ("two thousand", ["2000"]), ("one minute", ["1"]),
        ("one of them", []), ("in a minute", []), ("2026-12-31", ["2026", "31", "month 12"]),
        ("31. Dezember", ["31", "month 12"]), ("by the end of March", []),
        ("k8s and s3", ["3", "8"]), ("9" * 5000, ["9" * 5000]),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written(text: str, found: list[str]) -> None:
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        ("The timeout of a function is 900 seconds.", "The timeout is 900 seconds (15 minutes)."),
        ("The timeout of a function is 900 seconds.", "The timeout of a function is 15 minutes."),
        ("Retention is from 60 seconds to 14 days.", "Retention is from 1 minute to 14 days."),
        ("Retention is from 60 seconds to 14 days.", "Retention is from one minute to 2 weeks."),
        ("Wait an hour before the restart.", "Wait 60 minutes before the restart."),
        ("Memory is between 128 MB and 10,240 MB.", "Memory ranges from 128 MB to 10 GB."),
        ("The plan has 1 TB of storage.", "The plan has 1,000 GB of storage."),
        ("The contract runs for 12 months.", "The contract runs for one year."),
        ("The first 1 million requests are free.", "The first 1,000,000 requests are free."),
        ("The first 1 million requests are free.", "The first 1M requests are free."),
        ("There are 120,000 messages in flight.", "There are 120k messages in flight."),
        ("A message has up to 262,144 bytes.", "A message has up to 262 144 bytes."),
        ("A message has up to 262 144 bytes.", "A message has up to 256 KB."),
        ("The contract ends on 2026-12-31.", "The contract ends on December 31, 2026."),
        ("Der Vertrag endet am 31.12.2026.", "Der Vertrag endet am 31 December 2026."),
        ("Die Gebühr beträgt 1.250,50 Euro.", "Die Gebühr beträgt 1250,50 €."),
        ("Die Gebühr beträgt 1.250 Euro.", "Die Gebühr beträgt 1250 Euro."),
        ("It takes five to ten minutes.", "It takes 5 minutes."),
        ("| Timeout (seconds) | 900 |", "The timeout is 900 seconds."),
    ],
)
def test_another_form_of_the_same_number_is_supported(chunk: str, said: str) -> None:
    assert supported(chunk, said)


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        ("Die Gebühr beträgt 1.000 Euro.", "Die Gebühr beträgt 1 Euro."),
        ("Das Konto ist 1,5 Tage gesperrt.", "Das Konto ist 15 Tage gesperrt."),
        ("The timeout of a function is 900 seconds.", "The timeout of a function is 900 minutes."),
        ("The timeout of a function is 900 seconds.", "The timeout of a function is 16 minutes."),
        ("Wait an hour before the restart.", "Wait two hours before the restart."),
        ("The plan has 1 TB of storage.", "The plan has 100 GB of storage."),
        ("The contract ends on 2026-12-31.", "The contract ends on November 31, 2026."),
        ("The contract ends on 31 March.", "The contract ends on 31 May."),
        ("The first 4 requests are free.", "The first 4 million requests are free."),
    ],
)
def test_another_number_or_another_unit_is_not(chunk: str, said: str) -> None:
    assert not supported(chunk, said)


def test_numbers_that_look_alike_make_other_questions() -> None:
    for one, other in (("1.000 Euro", "1 Euro"), ("1,5 Tagen", "15 Tagen"), ("1.250", "1.25"),
                       ("4", "4 million")):  # fmt: skip
        assert not may_share_answer(f"Gilt das ab {one}?", f"Gilt das ab {other}?")


@given(st.integers(1, 10**6))
def test_a_conversion_is_exact(value: int) -> None:
    assert supported(f"The limit is {value} hours.", f"The limit is {value * 60:,} minutes.")
    assert not supported(f"The limit is {value} hours.", f"The limit is {value * 60 + 1} minutes.")


def test_a_computed_number_may_be_rounded() -> None:
    chunk, computed = "Each of three teams gets an equal share.", frozenset({"333.333333333"})
    for rounded in ("333.333333333", "333.33", "333.3", "333"):
        said = f"Each of the three teams gets an equal share, {rounded} USD."
        assert supported(chunk, said, computed=computed)
        assert not supported(chunk, said)
    for other in ("333.34", "334", "33"):
        said = f"Each of the three teams gets an equal share, {other} USD."
        assert not supported(chunk, said, computed=computed)


VPN = "macOS 13 or later is required; Windows 10 isn't supported anymore."
FIFO = "FIFO queues support 300 calls per second without batching, and 3,000 with batching."
REFUNDS = "Refunds are possible within 30 days, except for annual plans."
DLQ = "Don't set the count to 1, because a single failed receive would move the message."


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (VPN, "No, Windows 10 is not supported anymore."),
        (VPN, "You'll need macOS 13 or later."),
        (VPN, "No, macOS 13 or later is required."),
        (FIFO, "FIFO queues support 300 calls per second."),
        (FIFO, "FIFO queues support 300 calls per second without batching."),
        (FIFO, "FIFO queues support 3,000 calls per second with batching."),
        (REFUNDS, "Refunds are possible within 30 days."),
        (REFUNDS, "Refunds are possible within 30 days, but not for annual plans."),
        (DLQ, "Avoid setting the count to 1."),
        (DLQ, "A single failed receive would move the message."),
        ("If a consumer does not delete the message, it becomes visible again.",
         "If a consumer fails to delete the message, it becomes visible again."),
        ("The plan has unlimited users.", "There is no limit on users of the plan."),
        ("The plan has unlimited users.", "The plan has unlimited users."),
        ("The plan has unlimited users, 1 TB of storage.", "The plan has 1 TB of storage."),
        ("The plan has unlimited users, 1 TB of storage.", "| Plan | Unlimited | 1 TB |"),
        ("Neither tokens nor passwords are logged.", "Tokens and passwords are not logged."),
        ("Not only admins but also users see the report.", "Admins and users see the report."),
    ],
)  # fmt: skip
def test_what_is_denied_in_another_form_is_supported(chunk: str, said: str) -> None:
    assert supported(chunk, said)


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (VPN, "Windows 10 is supported."),
        (VPN, "Yes, Windows 10 is supported."),
        (VPN, "No, Windows 10 is supported."),
        (FIFO, "FIFO queues support 300 calls per second with batching."),
        (REFUNDS, "Refunds are possible within 30 days for annual plans."),
        (DLQ, "Set the count to 1."),
        (DLQ, "Set the count to 1, because a single failed receive would move the message."),
        ("You cannot, after you created it, change the type of a queue.",
         "You can change the type of a queue after you created it."),
        ("Don't store, share or log tokens.", "Share or log tokens."),
        ("Neither tokens nor passwords are logged.", "Tokens and passwords are logged."),
        ("If a consumer refuses to delete the message, it stays.",
         "If a consumer deletes the message, it stays."),
    ],
)  # fmt: skip
def test_the_opposite_is_not(chunk: str, said: str) -> None:
    assert not supported(chunk, said)


@pytest.mark.parametrize(
    "text",
    ["1 111" * 8_000, "1 " + "111 " * 10_000, "1.111" * 8_000, "9" * 40_000, "1,1." * 9_000,
     "one " * 9_000, "a million and " * 3_000, "neither " * 5_000, "without " * 5_000,
     "2026-12-31" * 4_000, "1 May " * 6_000, "but " * 9_000, "No" + "*" * 30_000, "1 m" * 9_000,
     "it is not kept but " * 2_000],
)  # fmt: skip
def test_any_text_is_compared_in_time_that_grows_with_its_length(text: str) -> None:
    began = time.process_time()
    Chunk(f"It is not so. {text}. It is kept for 4 days.").support(Said(f"{text} for 4 days"))
    assert time.process_time() - began < 2


def test_an_answer_in_one_word_denies_nothing_by_itself() -> None:
    assert negations("No, it is not.") == 1 == negations("**No**, it is not.")
    assert negations("No, it is.") == 0 and negations("No copies are kept, it is said.") == 1
