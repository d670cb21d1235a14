"""What the operator knows of itself."""

import time

import pytest
from prometheus_client import generate_latest

from baas_crds.status import BlurJobStatus, Images, Phase
from baas_operator.loops import is_worth_a_look
from baas_operator.monitor import SILENCE_SECONDS, Monitor
from baas_operator.world import Key

KEY = Key(namespace="panoramas", name="amsterdam")


@pytest.fixture
def monitor() -> Monitor:
    return Monitor()


def test_it_is_well_at_first(monitor: Monitor) -> None:
    assert monitor.ailment(seconds_behind=0) is None


def test_work_that_is_not_done_is_an_ailment(monitor: Monitor) -> None:
    assert monitor.ailment(seconds_behind=301) == "A BlurJob has waited for 301 s to be looked at."


def test_silence_is_an_ailment(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + SILENCE_SECONDS + 1)
    assert monitor.ailment(seconds_behind=0) == "BlurJobs could not be listed for 301 s."
    monitor.listed({})
    assert monitor.ailment(seconds_behind=0) is None


def test_a_change_that_the_watch_never_brings_is_an_ailment(monitor: Monitor) -> None:
    monitor.heard("uid", "1")
    monitor.listed({"uid": "2"})
    assert monitor.ailment(seconds_behind=0) is None, "it may be on its way"
    monitor.listed({"uid": "3"})
    assert monitor.ailment(seconds_behind=0) is None, "so may this one"
    monitor.listed({"uid": "3"})
    assert monitor.ailment(seconds_behind=0) == "The watch does not bring changes of BlurJobs any more."
    monitor.heard("uid", "3")
    monitor.listed({"uid": "3"})
    assert monitor.ailment(seconds_behind=0) is None


def test_prometheus_sees_phases_and_images(monitor: Monitor) -> None:
    images = Images(total=10, published=7, quarantined=1, excluded=0, pending=2)
    monitor.told(KEY, BlurJobStatus(phase=Phase.RUNNING, images=images))
    page = generate_latest(monitor.registry).decode()
    assert 'baas_operator_blurjobs{phase="Running"} 1.0' in page
    assert 'baas_operator_blurjobs{phase="Failed"} 0.0' in page
    assert 'baas_operator_images{blurjob="amsterdam",namespace="panoramas",outcome="published"} 7.0' in page
    monitor.gone(KEY)
    page = generate_latest(monitor.registry).decode()
    assert 'baas_operator_blurjobs{phase="Running"} 0.0' in page
    assert "amsterdam" not in page


OVER = {"observedGeneration": 2, "conditions": [{"type": "Complete", "status": "True"}]}


@pytest.mark.parametrize(
    ("status", "spec", "annotations", "worth"),
    [
        pytest.param({}, {}, {}, True, id="new"),
        pytest.param(OVER, {}, {}, False, id="over"),
        pytest.param(OVER | {"observedGeneration": 1}, {}, {}, True, id="changed since"),
        pytest.param(OVER, {"ttlSecondsAfterFinished": 0}, {}, True, id="to be deleted"),
        pytest.param(OVER, {}, {"blurring.amsterdam.nl/retry-quarantined": "x"}, True, id="maybe to be retried"),
        pytest.param(
            {"observedGeneration": 2, "conditions": [{"type": "Complete", "status": "False"}]},
            {},
            {},
            True,
            id="at work",
        ),
    ],
)
def test_what_is_over_is_not_looked_at_every_minute(
    status: dict[str, object], spec: dict[str, object], annotations: dict[str, str], worth: bool
) -> None:
    document = {"metadata": {"generation": 2, "annotations": annotations}, "spec": spec, "status": status}
    assert is_worth_a_look(document) is worth
