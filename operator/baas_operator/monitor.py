"""What the operator knows of itself: is it at work, how fast, how often in vain. For probes, and as metrics.

Metrics are named so that Prometheus sees them as `baas_operator_…`. Those of a BlurJob go with it, so that there are as
many as BlurJobs.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from baas_crds.status import BlurJobStatus, Images, Phase
from baas_operator.names import Key

SILENCE_SECONDS = 300.0
"""So long without a successful look at all BlurJobs, or with one look unfinished, and something hangs."""
LOOK_SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
OUTCOMES = ("published", "quarantined", "excluded", "pending")
RESTING = frozenset({Phase.SUSPENDED, Phase.COMPLETE, Phase.FAILED})
"""Phases in which nobody expects images to get their fates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was last told of a BlurJob."""

    phase: Phase
    images: Images | None
    quiet_since: float | None
    """When the counts last changed, on the clock of `time.monotonic`; None while nobody expects them to."""


class Monitor:
    """Metrics, and the facts behind `/healthz`."""

    def __init__(self, meter: Meter, *, seconds_behind: Callable[[], float]) -> None:
        """Measure with `meter`; `seconds_behind` tells how long the oldest BlurJob has waited to be looked at."""
        self._seconds_behind = seconds_behind
        self._blurjobs: dict[Key, _Known] = {}
        self._successes: dict[Key, datetime] = {}
        self._heard: dict[str, str] = {}
        self._unheard: Mapping[str, str] = {}
        self._is_deaf = False
        self._listed_at = time.monotonic()
        self._look_seconds = meter.create_histogram(
            "baas.operator.reconcile",
            "s",
            "Duration of one look at one BlurJob.",
            explicit_bucket_boundaries_advisory=LOOK_SECONDS_BOUNDS,
        )
        self._errors = meter.create_counter(
            "baas.operator.reconcile.errors", "{look}", "Looks that ended with an error."
        )
        for name, observe, unit, meaning in (
            ("baas.operator.blurjobs", self._phases, "{blurjob}", "BlurJobs by phase."),
            ("baas.operator.images", self._images, "{image}", "Images of a BlurJob's run by outcome."),
            ("baas.operator.queue.age", self._age, "s", "How long the oldest BlurJob has waited to be looked at."),
            (
                "baas.operator.run.silence",
                self._silence,
                "s",
                "Time since an image of a BlurJob got its fate, while images remain and it is not suspended.",
            ),
            (
                "baas.operator.schedule.success.age",
                self._success_age,
                "s",
                "Time since a BlurJob of a BlurSchedule last became complete, or since the schedule was made.",
            ),
        ):
            meter.create_observable_gauge(name, [observe], unit, meaning)

    def looked(self, seconds: float) -> None:
        """Note how long a look took, whatever came of it."""
        self._look_seconds.record(seconds)

    def failed(self, error: Exception) -> None:
        """Count a look that ended with an error."""
        self._errors.add(1, {"error": type(error).__name__})

    def told(self, key: Key, status: BlurJobStatus) -> None:
        """Count a BlurJob as its status says."""
        phase, before = status.phase or Phase.PENDING, self._blurjobs.get(key)
        quiet_since = None
        if status.images and status.images.pending and phase not in RESTING:
            was_quiet = before is not None and before.images == status.images
            quiet_since = before.quiet_since if before is not None and was_quiet else None
            quiet_since = time.monotonic() if quiet_since is None else quiet_since
        self._blurjobs[key] = _Known(phase=phase, images=status.images, quiet_since=quiet_since)

    def scheduled(self, key: Key, success: datetime | None) -> None:
        """Note when a BlurJob of a schedule last became complete, or else when it was made; None: it is gone."""
        if success is None:
            self._successes.pop(key, None)
        else:
            self._successes[key] = success

    def in_phase(self, phase: Phase) -> frozenset[Key]:
        """Return the BlurJobs that were last told to be in a phase."""
        return frozenset(key for key, known in self._blurjobs.items() if known.phase is phase)

    def gone(self, key: Key) -> None:
        """Forget a BlurJob."""
        self._blurjobs.pop(key, None)

    def heard(self, uid: str, version: str) -> None:
        """Note that the watch brought this version of a BlurJob."""
        self._heard[uid] = version

    def listed(self, versions: Mapping[str, str]) -> None:
        """Note which versions of BlurJobs there are. One that the watch still lacks at the next list: it is dead."""
        self._listed_at = time.monotonic()
        unheard = {uid: version for uid, version in versions.items() if self._heard.get(uid) != version}
        self._is_deaf = any(self._unheard.get(uid) == version for uid, version in unheard.items())
        self._unheard = unheard
        self._heard = {uid: version for uid, version in self._heard.items() if uid in versions}

    def ailment(self) -> str | None:
        """Return why the operator should be started anew; None while it is well."""
        silence, seconds_behind = time.monotonic() - self._listed_at, self._seconds_behind()
        if silence > SILENCE_SECONDS:
            return f"BlurJobs could not be listed for {silence:.0f} s."
        if seconds_behind > SILENCE_SECONDS:
            return f"A BlurJob has waited for {seconds_behind:.0f} s to be looked at."
        return "The watch does not bring changes of BlurJobs any more." if self._is_deaf else None

    # Metrics are read in a thread of their own, hence the copies.

    def _phases(self, _: CallbackOptions) -> Iterable[Observation]:
        phases = Counter(known.phase for known in list(self._blurjobs.values()))
        return [Observation(phases[phase], {"phase": phase.value}) for phase in Phase]

    def _images(self, _: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(getattr(known.images, outcome), {**_labels(key), "outcome": outcome})
            for key, known in list(self._blurjobs.items())
            if known.images
            for outcome in OUTCOMES
        ]

    def _age(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(self._seconds_behind())]

    def _success_age(self, _: CallbackOptions) -> Iterable[Observation]:
        now = datetime.now(UTC)
        return [
            Observation((now - success).total_seconds(), {"namespace": key.namespace, "blurschedule": key.name})
            for key, success in list(self._successes.items())
        ]

    def _silence(self, _: CallbackOptions) -> Iterable[Observation]:
        now = time.monotonic()
        return [
            Observation(now - known.quiet_since, _labels(key))
            for key, known in list(self._blurjobs.items())
            if known.quiet_since is not None
        ]


def _labels(key: Key) -> dict[str, str]:
    return {"namespace": key.namespace, "blurjob": key.name}
