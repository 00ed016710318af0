"""Chapter: the fleet drains a queue, from zero and back, while instances are killed and taken away.

Most documents are announced as programs do, by messages in batches of ten; the last of them as
people do, by uploads to incoming/ that the deployed event rule turns into messages. The deployed
policies make the group grow, and the deployed program prepares the documents. In the middle of it
one instance is killed and another gets a spot notice.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from local.demo.deployment import bucket_names, stack_name
from local.demo.outcome import Outcome, outcome
from local.demo.report import Report
from local.fleet.control import FleetControl, GroupView, InstanceView
from local.fleet.events import FleetEvent
from local.session import REPOSITORY, LocalAws

POISON = {
    "not JSON": "a document, please",
    "no key": '{"document": "incoming/a.json"}',
    "a bucket of somebody else": '{"bucket": "not-ours", "key": "incoming/a.json"}',
    "not an upload": '{"Records": [{"eventName": "ObjectRemoved:Delete"}]}',
}
QUIET_PREFIX = "corpus/"
UPLOAD_PREFIX = "incoming/"
UPLOADED_SHARE = 0.05
LARGEST_BATCH = 10
LONGEST_MINUTES = 30
POLL_SECONDS = 0.5
SAID_SECONDS = 10.0
# Shares of the documents that are done when something is done to the fleet. The kill comes first:
# what the dead instance held stays hidden until its visibility timeout ends.
KILL_AT = 0.05
INTERRUPT_AT = 0.3
SHOWN = {
    "capacity": "desired capacity: {reason}",
    "killed": "{instance} killed (SIGKILL for all its processes)",
    "unhealthy": "{instance} is unhealthy: {reason}",
    "spot-notice": "{instance} gets a spot notice: {reason}",
    "hook-completed": "{instance} has drained and completed its lifecycle hook",
    "hook-timed-out": "{instance} did not complete its lifecycle hook in time",
    "interrupted": "{instance} is taken away by EC2",
    "set-up-failed": "{instance} could not be set up: {reason}",
}


# What CloudFormation makes of a logical id; the part that a person wrote is enough to read.
NAME = re.compile(r"Groundwork-\w+-Fleet-(\w+?)[0-9A-F]{8}-[0-9A-Z]+")


class DemoError(RuntimeError):
    """The demo cannot go on; says why."""


@dataclass(kw_only=True)
class _Seen:
    """What the watch has seen so far."""

    sent: int = 0
    peak: int = 0
    first_in_service: float | None = None
    drained_at: float | None = None
    done: dict[str, str] = field(default_factory=dict)
    events: list[FleetEvent] = field(default_factory=list)


class FleetChapter:
    """One run of the chapter over `documents` documents."""

    def __init__(self, aws: LocalAws, report: Report, *, documents: int) -> None:
        self._aws = aws
        self._report = report
        self._documents = documents
        self._fleet = FleetControl(aws.control)
        self._outputs = aws.outputs(stack_name("Fleet"))
        self._sqs = aws.client("sqs")
        self._seen = _Seen()
        self._started = 0.0

    def run(self) -> None:
        """Play it, then look at what came of it."""
        report, documents = self._report, self._documents
        report.chapter(f"The fleet: {documents:,} documents, from no instance and back to none")
        quiet = named_documents(documents)
        with self._upload(QUIET_PREFIX, 0, quiet) as upload:
            self._await_upload(upload, quiet)
        self._started = time.monotonic()
        announcing = _Announcing(self, quiet, documents)
        announcing.start()
        self._watch(announcing)
        announcing.join()
        self._figures()
        buckets = bucket_names(self._aws)
        self._judge(
            outcome(
                self._aws,
                source=buckets["documents"],
                prepared=buckets["prepared"],
                log_group=self._outputs["LogGroupName"],
                dead_letter_queue=self._outputs["DeadLetterQueueUrl"],
            )
        )

    # Playing

    def _upload(self, prefix: str, first: int, last: int) -> subprocess.Popen[bytes]:
        with self._upload_log(prefix).open("wb") as output:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "local.demo.upload",
                    bucket_names(self._aws)["documents"],
                    prefix,
                    str(first),
                    str(last),
                ],
                cwd=REPOSITORY,
                env={
                    **self._aws.environment(),
                    "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'worker_src'}",
                },
                stdout=output,
            )

    def _await_upload(self, upload: subprocess.Popen[bytes], count: int) -> None:
        begun = next_line = time.monotonic()
        while upload.poll() is None:
            time.sleep(POLL_SECONDS)
            if time.monotonic() >= next_line:
                next_line = time.monotonic() + SAID_SECONDS
                done = len(self._uploaded(QUIET_PREFIX))
                self._report.say(f"uploaded {done:>6,} of {count:,} documents to {QUIET_PREFIX}")
        self._expect_success(upload)
        self._report.figure(f"upload of {count:,} documents", f"{time.monotonic() - begun:.0f} s")

    def _expect_success(self, upload: subprocess.Popen[bytes]) -> None:
        if upload.poll() not in (None, 0):
            raise DemoError("the upload failed; what it said stands above")

    def _upload_log(self, prefix: str) -> Path:
        return self._aws.folder.path / f"upload-{prefix.rstrip('/')}.log"

    def _uploaded(self, prefix: str) -> list[str]:
        log = self._upload_log(prefix)
        return log.read_text().splitlines() if log.exists() else []

    def _send(self, keys: list[str]) -> None:
        bodies = [*POISON.values(), *(json.dumps({"key": key}) for key in keys)]
        self._report.say(
            f"sending {len(keys):,} messages that name them, and {len(POISON)} that can never "
            f"succeed: {', '.join(POISON)}"
        )
        for start in range(0, len(bodies), LARGEST_BATCH):
            batch = bodies[start : start + LARGEST_BATCH]
            entries = [{"Id": str(place), "MessageBody": each} for place, each in enumerate(batch)]
            answer = self._sqs.send_message_batch(
                QueueUrl=self._outputs["QueueUrl"], Entries=entries
            )
            if answer.get("Failed"):
                raise DemoError(f"messages were refused: {answer['Failed']}")
            self._seen.sent = max(0, start + len(batch) - len(POISON))

    def announce(self, quiet: int, documents: int) -> None:
        """Send the names of what was uploaded, then upload the rest to where uploads are seen."""
        self._send(self._uploaded(QUIET_PREFIX))
        self._report.say(f"uploading {documents - quiet:,} more to {UPLOAD_PREFIX}")
        with self._upload(UPLOAD_PREFIX, quiet, documents) as upload:
            upload.wait()
        self._expect_success(upload)

    def _watch(self, announcing: _Announcing) -> None:
        seen, next_line = self._seen, 0.0
        deadline = time.monotonic() + LONGEST_MINUTES * 60
        while time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            all_sent = not announcing.is_alive()
            if announcing.problem is not None:
                raise announcing.problem
            announced = seen.sent + len(self._uploaded(UPLOAD_PREFIX))
            waiting, in_flight = self._queue()
            group = self._fleet.group(self._outputs["AutoScalingGroupName"])
            self._tell(self._fleet.events(len(seen.events)))
            seen.peak = max(seen.peak, len(group.in_service))
            done = max(0, announced - waiting - in_flight)
            if time.monotonic() >= next_line:
                next_line = time.monotonic() + SAID_SECONDS
                self._report.say(
                    f"waiting {waiting:>6,}   in flight {in_flight:>4}   done {done:>6,}   "
                    f"instances {len(group.in_service)} of {group.desired}"
                )
            self._disturb(group, done / self._documents)
            if all_sent and not waiting and not in_flight:
                if seen.drained_at is None:
                    seen.drained_at = time.monotonic()
                    self._report.say("the queue is empty; waiting for the group to go")
                if not group.instances and not group.desired:
                    return
            else:
                seen.drained_at = None
        self._report.problems.append(f"the chapter did not end within {LONGEST_MINUTES} minutes")

    def _queue(self) -> tuple[int, int]:
        attributes: dict[str, str] = self._sqs.get_queue_attributes(
            QueueUrl=self._outputs["QueueUrl"], AttributeNames=["All"]
        )["Attributes"]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    def _disturb(self, group: GroupView, share: float) -> None:
        done = self._seen.done
        running = [each for each in group.in_service if each.instance not in done.values()]
        if len(running) < 2:
            return
        if "killed" not in done and share >= KILL_AT:
            done["killed"] = self._victim(running).instance
            self._fleet.kill(done["killed"])
        elif "interrupted" not in done and share >= INTERRUPT_AT:
            spot = [each for each in running if each.market == "spot"]
            if spot:
                done["interrupted"] = self._victim(spot).instance
                self._fleet.interrupt(done["interrupted"])

    @staticmethod
    def _victim(running: list[InstanceView]) -> InstanceView:
        return max(running, key=lambda each: each.age)

    def _tell(self, events: list[FleetEvent]) -> None:
        seen = self._seen
        for event in events:
            seen.events.append(event)
            if event.kind == "in-service" and seen.first_in_service is None:
                seen.first_in_service = time.monotonic()
            text = SHOWN.get(event.kind)
            if text is not None:
                reason = NAME.sub(r"\1", event.reason)
                self._report.say(text.format(instance=event.instance, reason=reason))

    # Looking at what came of it

    def _figures(self) -> None:
        seen, report = self._seen, self._report
        report.figure("documents", f"{self._documents:,}")
        if seen.first_in_service is not None:
            report.figure(
                "first message to first instance in service, from zero (AWS time is compressed)",
                f"{seen.first_in_service - self._started:.1f} s",
            )
        if seen.drained_at is not None:
            seconds = seen.drained_at - self._started
            report.figure("first message to empty queue", f"{seconds:.0f} s")
            report.figure("documents per second meanwhile", f"{self._documents / seconds:.0f}")
        report.figure("instances at most", str(seen.peak))
        for name, end in (("killed", "terminated"), ("interrupted", "hook-completed")):
            span = self._span(seen.done.get(name, ""), end)
            if span is not None:
                report.figure(f"instance {name} to {end}", f"{span:.1f} s")

    def _span(self, instance: str, end: str) -> float | None:
        start_kind = {"terminated": "killed", "hook-completed": "spot-notice"}[end]
        walls = {
            kind: event.wall
            for event in self._seen.events
            for kind in (start_kind, end)
            if event.instance == instance and event.kind == kind
        }
        return walls[end] - walls[start_kind] if len(walls) == 2 else None

    def _judge(self, result: Outcome) -> None:
        report, done = self._report, self._seen.done
        report.figure("documents prepared", f"{result.prepared:,}")
        report.figure("documents prepared twice (the killed instance's)", str(result.twice))
        report.figure("SQS calls per 1,000 messages", f"{result.calls_per_thousand:.0f}")
        report.figure("dead letters", str(result.dead_letters))
        for reason in result.reasons:
            report.say(f"rejected: {reason[:150]}")
        report.check(not result.missing, f"no document is lost ({result.missing[:3] or 'none'})")
        report.check(
            result.dead_letters == len(POISON),
            f"the {len(POISON)} poison messages, and they alone, are in the dead-letter queue",
        )
        report.check("killed" in done, "an instance was killed in mid-run and replaced")
        report.check("interrupted" in done, "an instance got a spot notice and drained")
        report.check(
            self._span(done.get("interrupted", ""), "hook-completed") is not None,
            "the interrupted instance completed its lifecycle hook",
        )
        report.check(
            result.twice <= result.in_hand_at_most,
            "nothing was done twice but what the killed instance had in hand",
        )
        report.say(f"for example {result.example_key}:")
        for line in result.example:
            print(f"        {line}")


class _Announcing(threading.Thread):
    """Announces beside the watch; `problem` is what went wrong."""

    def __init__(self, chapter: FleetChapter, quiet: int, documents: int) -> None:
        super().__init__(name="announce", daemon=True)
        self._chapter = chapter
        self._counts = (quiet, documents)
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            self._chapter.announce(*self._counts)
        except BaseException as error:
            self.problem = error


def named_documents(documents: int) -> int:
    """How many, the first ones, are named by messages; the others announce themselves."""
    return documents - round(documents * UPLOADED_SHARE)


def play(aws: LocalAws, report: Report, *, documents: int) -> None:
    """The chapter."""
    FleetChapter(aws, report, documents=documents).run()
