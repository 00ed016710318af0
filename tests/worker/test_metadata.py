"""IMDSv2, the announcements of an end, and what Auto Scaling is told."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator

import pytest

from tests.worker.instance_server import InstanceServer
from worker.departure_watch import DepartureWatch
from worker.lifecycle import Lifecycle
from worker.metadata import (
    DEFAULT_ENDPOINT,
    Departure,
    Metadata,
    MetadataError,
    open_metadata,
    spot_departure,
)

LOGGER = logging.getLogger("worker.test")


@pytest.fixture
def instance() -> Iterator[InstanceServer]:
    with InstanceServer() as running:
        yield running


@pytest.fixture
def metadata(instance: InstanceServer) -> Metadata:
    return Metadata(instance.url)


# --- the service ----------------------------------------------------------------------------------


def test_items_are_read_with_a_session_token(instance: InstanceServer, metadata: Metadata) -> None:
    assert metadata.get("instance-id") == "i-0123456789abcdef0"
    assert metadata.get("no/such/item") is None
    assert instance.unauthorized == 0
    assert len(instance._tokens) == 1


def test_an_expired_token_is_renewed(instance: InstanceServer, metadata: Metadata) -> None:
    metadata.get("instance-id")
    instance._tokens.clear()
    instance._tokens.add("somebody else's")
    assert metadata.get("instance-id") == "i-0123456789abcdef0"
    assert instance.unauthorized == 1


def test_a_service_that_refuses_every_token_is_an_error(
    instance: InstanceServer, metadata: Metadata, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "_new_token", lambda: "wrong")
    with pytest.raises(MetadataError, match="401"):
        metadata.get("instance-id")


def test_no_service_is_an_error_in_about_a_second() -> None:
    with pytest.raises(MetadataError, match="refused"):
        Metadata("http://127.0.0.1:1").get("instance-id")


@pytest.mark.parametrize(
    ("environment", "host", "port"),
    [
        ({}, "169.254.169.254", 80),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1338/"}, "127.0.0.1", 1338),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://[fd00:ec2::254]"}, "fd00:ec2::254", 80),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://[::1]:81"}, "::1", 81),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}, "fd00:ec2::254", 80),
        (
            {
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://localhost",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv6",
            },
            "localhost",
            80,
        ),
    ],
)
def test_the_service_is_where_botocore_looks_for_it(
    environment: dict[str, str], host: str, port: int
) -> None:
    opened = open_metadata(environment)
    assert opened is not None
    assert (opened._connection._host, opened._connection._port) == (host, port)
    assert DEFAULT_ENDPOINT == "http://169.254.169.254"


def test_the_service_may_be_switched_off() -> None:
    assert open_metadata({"AWS_EC2_METADATA_DISABLED": "TRUE"}) is None


# --- announcements --------------------------------------------------------------------------------


def test_nothing_is_announced(metadata: Metadata) -> None:
    assert metadata.departure() is None


def test_a_spot_notice_tells_the_time_left(instance: InstanceServer, metadata: Metadata) -> None:
    instance.announce_spot(120)
    departure = metadata.departure()
    assert departure is not None
    assert departure.reason == "spot interruption"
    assert departure.seconds_left is not None
    assert 110 < departure.seconds_left <= 120


@pytest.mark.parametrize(
    "notice",
    ["", "{}", "[]", "null", '{"time": 5}', '{"time": "soon"}', "<html>", '{"action": "stop"}'],
)
def test_an_odd_spot_notice_still_counts(notice: str) -> None:
    assert spot_departure(notice, now=0) == Departure("spot interruption")


def test_a_spot_notice_whose_time_has_passed() -> None:
    notice = json.dumps({"action": "terminate", "time": "2020-01-01T00:00:00Z"})
    assert spot_departure(notice, now=time.time()).seconds_left == 0


@pytest.mark.parametrize(
    ("state", "leaves"),
    [("InService", False), ("Terminated", True), ("Detached", False), ("Standby", False)],
)
def test_scale_in_is_the_target_lifecycle_state(
    instance: InstanceServer, metadata: Metadata, state: str, leaves: bool
) -> None:
    instance.items["autoscaling/target-lifecycle-state"] = state
    assert metadata.departure() == (Departure("scale-in") if leaves else None)


# --- the watch ------------------------------------------------------------------------------------


@pytest.fixture
def watch(
    metadata: Metadata, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[DepartureWatch]:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("worker.departure_watch.LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr("worker.departure_watch.LOOK_SELDOM_SECONDS", 0.3)
    made = DepartureWatch(metadata, logger=LOGGER)
    made.start()
    yield made
    made.stop()


def wait_for(watch: DepartureWatch, seconds: float = 5.0) -> Departure:
    end = time.monotonic() + seconds
    while watch.announced is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return watch.announced


def test_the_watch_sees_scale_in_and_knows_the_instance(
    instance: InstanceServer, watch: DepartureWatch
) -> None:
    assert watch.instance_id() == "i-0123456789abcdef0"
    assert not watch.is_leaving_group()
    time.sleep(0.15)
    assert watch.announced is None
    instance.announce_scale_in()
    assert wait_for(watch) == Departure("scale-in")
    assert watch.is_leaving_group()


def test_a_rebalance_recommendation_is_logged_once_and_is_no_end(
    instance: InstanceServer, watch: DepartureWatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Capacity rebalancing starts the replacement first and then scales in."""
    instance.items["events/recommendations/rebalance"] = '{"noticeTime": "2026-01-01T00:00:00Z"}'
    time.sleep(0.5)
    assert watch.announced is None
    assert [r.message for r in caplog.records] == ["EC2 recommends to rebalance this spot instance"]
    instance.announce_spot(120)
    assert wait_for(watch).reason == "spot interruption"


def test_the_watch_survives_an_outage_of_the_service(
    instance: InstanceServer, watch: DepartureWatch, caplog: pytest.LogCaptureFixture
) -> None:
    watch.instance_id()
    real, instance.items = instance.items, {}
    metadata = watch._metadata
    assert metadata is not None
    port, metadata._connection._port = metadata._connection._port, 1
    with watch._lock:
        metadata._connection.close()
    end = time.monotonic() + 5
    while not caplog.records and time.monotonic() < end:
        time.sleep(0.02)
    assert ["no instance metadata service" in r.message for r in caplog.records] == [True]
    instance.items = real
    instance.announce_scale_in()
    metadata._connection._port = port
    assert wait_for(watch).reason == "scale-in"


def test_without_a_service_nothing_is_watched() -> None:
    watch = DepartureWatch(None, logger=LOGGER)
    watch.start()
    assert watch.instance_id() is None
    assert not watch.is_leaving_group()


# --- Auto Scaling ---------------------------------------------------------------------------------


@pytest.fixture
def lifecycle(instance: InstanceServer, monkeypatch: pytest.MonkeyPatch) -> Lifecycle:
    monkeypatch.setenv("AWS_ENDPOINT_URL_AUTO_SCALING", instance.url)
    return open_lifecycle()


def open_lifecycle(
    *, group: str = "fleet", hook: str = "drain", instance_id: str | None = "i-1"
) -> Lifecycle:
    return Lifecycle(
        group=group,
        hook=hook,
        instance_id=lambda: instance_id,
        region="eu-west-1",
        logger=LOGGER,
    )


def test_the_hook_is_completed(instance: InstanceServer, lifecycle: Lifecycle) -> None:
    assert lifecycle.complete()
    (form,) = instance.completed()
    assert (
        form["AutoScalingGroupName"],
        form["LifecycleHookName"],
        form["InstanceId"],
        form["LifecycleActionResult"],
    ) == ("fleet", "drain", "i-1", "CONTINUE")


def test_ill_health_is_reported_with_the_grace_period(
    instance: InstanceServer, lifecycle: Lifecycle
) -> None:
    assert lifecycle.report_unhealthy()
    ((action, form, _),) = instance.actions
    assert action == "SetInstanceHealth"
    assert (form["InstanceId"], form["HealthStatus"]) == ("i-1", "Unhealthy")
    assert form["ShouldRespectGracePeriod"] == "true"
    assert "AutoScalingGroupName" not in form


def test_a_refusal_is_logged_and_not_raised(
    instance: InstanceServer, lifecycle: Lifecycle, caplog: pytest.LogCaptureFixture
) -> None:
    instance.refuse_actions = True
    assert not lifecycle.complete()
    assert "No active Lifecycle Action" in caplog.records[-1].error


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_AUTO_SCALING", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert not open_lifecycle().complete()
    assert "127.0.0.1" in caplog.records[-1].error


@pytest.mark.parametrize(
    "odd", [{"group": ""}, {"hook": ""}, {"instance_id": None}], ids=lambda odd: next(iter(odd))
)
def test_outside_a_group_nothing_is_called(
    instance: InstanceServer, monkeypatch: pytest.MonkeyPatch, odd: dict[str, str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_AUTO_SCALING", instance.url)
    assert not open_lifecycle(**odd).complete()  # type: ignore[arg-type]
    assert instance.actions == []
