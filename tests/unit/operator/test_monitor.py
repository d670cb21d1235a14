"""What the operator knows of itself."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest

from baas_crds.status import BlurJobStatus, Images, Phase
from baas_operator.monitor import SILENCE_SECONDS, Monitor
from baas_operator.names import Key

KEY = Key(namespace="panoramas", name="amsterdam")


@dataclass
class Watched:
    """A monitor, what it reads, and what Prometheus sees."""

    monitor: Monitor
    registry: CollectorRegistry
    provider: MeterProvider
    seconds_behind: float = 0

    @property
    def page(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def watched() -> Iterator[Watched]:
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    monitor = Monitor(provider.get_meter("test"), seconds_behind=lambda: it.seconds_behind)
    it = Watched(monitor, registry, provider)
    yield it
    provider.shutdown()


@pytest.fixture
def monitor(watched: Watched) -> Monitor:
    return watched.monitor


def test_it_is_well_at_first(monitor: Monitor) -> None:
    assert monitor.ailment() is None


def test_work_that_is_not_done_is_an_ailment(watched: Watched) -> None:
    watched.seconds_behind = 301
    assert watched.monitor.ailment() == "A BlurJob has waited for 301 s to be looked at."
    assert "baas_operator_queue_age_seconds 301.0" in watched.page


def test_silence_is_an_ailment(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + SILENCE_SECONDS + 1)
    assert monitor.ailment() == "BlurJobs could not be listed for 301 s."
    monitor.listed({})
    assert monitor.ailment() is None


def test_a_change_that_the_watch_never_brings_is_an_ailment(monitor: Monitor) -> None:
    monitor.heard("uid", "1")
    monitor.listed({"uid": "2"})
    assert monitor.ailment() is None, "it may be on its way"
    monitor.listed({"uid": "3"})
    assert monitor.ailment() is None, "so may this one"
    monitor.listed({"uid": "3"})
    assert monitor.ailment() == "The watch does not bring changes of BlurJobs any more."
    monitor.heard("uid", "3")
    monitor.listed({"uid": "3"})
    assert monitor.ailment() is None


def images(**counts: int) -> Images:
    """Counts of ten images; pending are all that are not named."""
    return Images(**{"total": 10, "published": 0, "quarantined": 0, "excluded": 0, "pending": 10} | counts)


def test_prometheus_sees_an_operator_without_blurjobs(watched: Watched) -> None:
    """The alert that nobody answers looks for this."""
    assert "baas_operator_queue_age_seconds 0.0" in watched.page
    assert 'baas_operator_blurjobs{phase="Running"} 0.0' in watched.page


def test_prometheus_sees_phases_and_images(watched: Watched) -> None:
    watched.monitor.told(KEY, BlurJobStatus(phase=Phase.RUNNING, images=images(published=7, quarantined=1, pending=2)))
    assert 'baas_operator_blurjobs{phase="Running"} 1.0' in watched.page
    assert 'baas_operator_blurjobs{phase="Failed"} 0.0' in watched.page
    assert 'baas_operator_images{blurjob="amsterdam",namespace="panoramas",outcome="published"} 7.0' in watched.page
    watched.monitor.gone(KEY)
    assert 'baas_operator_blurjobs{phase="Running"} 0.0' in watched.page
    assert "amsterdam" not in watched.page


def test_prometheus_sees_how_long_looks_take_and_how_many_fail(watched: Watched) -> None:
    watched.monitor.looked(0.2)
    watched.monitor.failed(TimeoutError())
    assert "baas_operator_reconcile_seconds_count 1.0" in watched.page
    assert 'baas_operator_reconcile_seconds_bucket{le="0.1"} 0.0' in watched.page
    assert 'baas_operator_reconcile_seconds_bucket{le="0.25"} 1.0' in watched.page
    assert 'baas_operator_reconcile_errors_total{error="TimeoutError"} 1.0' in watched.page


SILENCE = 'baas_operator_run_silence_seconds{blurjob="amsterdam",namespace="panoramas"}'


def test_a_run_is_silent_since_its_last_image_got_its_fate(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    seconds = iter(range(0, 1000, 100))

    def after_100_s(phase: Phase, of: Images | None) -> str | None:
        """Seconds that it tells of 100 s after it was told this, 100 s after what was told before."""
        told_at = next(seconds)
        monkeypatch.setattr(time, "monotonic", lambda: now + told_at)
        watched.monitor.told(KEY, BlurJobStatus(phase=phase, images=of))
        monkeypatch.setattr(time, "monotonic", lambda: now + told_at + 100)
        return next((line.split()[-1] for line in watched.page.splitlines() if line.startswith(SILENCE)), None)

    assert after_100_s(Phase.PLANNING, None) is None
    assert after_100_s(Phase.RUNNING, images()) == "100.0"
    assert after_100_s(Phase.WAITING, images()) == "200.0"
    assert after_100_s(Phase.RUNNING, images(published=1, pending=9)) == "100.0"
    assert after_100_s(Phase.SUSPENDED, images(published=1, pending=9)) is None
    assert after_100_s(Phase.RUNNING, images(published=1, pending=9)) == "100.0", "the clock begins anew"
    assert after_100_s(Phase.COMPLETE, images(published=10, pending=0)) is None
