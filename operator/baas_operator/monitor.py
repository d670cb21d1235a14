"""What the operator knows of itself: is it at work, how fast, how often in vain. For probes and Prometheus."""

import time
from collections import Counter
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as Total

from baas_crds.status import BlurJobStatus, Phase
from baas_operator.world import Key

SILENCE_SECONDS = 300.0
"""So long without a successful look at all BlurJobs, or with one look unfinished, and something hangs."""


class Monitor:
    """Metrics, and the facts behind `/healthz`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.look_seconds = Histogram(
            "baas_operator_reconcile_seconds", "Duration of one look at one BlurJob.", registry=self.registry
        )
        self.errors = Total(
            "baas_operator_reconcile_errors", "Looks that ended with an error.", ["error"], registry=self.registry
        )
        self._blurjobs = Gauge("baas_operator_blurjobs", "BlurJobs by phase.", ["phase"], registry=self.registry)
        self._images = Gauge(
            "baas_operator_images",
            "Images of a BlurJob's run by outcome.",
            ["namespace", "blurjob", "outcome"],
            registry=self.registry,
        )
        self._phases: dict[Key, Phase] = {}
        self._heard: dict[str, str] = {}
        self._unheard: Mapping[str, str] = {}
        self._is_deaf = False
        self._listed_at = time.monotonic()

    def told(self, key: Key, status: BlurJobStatus) -> None:
        """Count a BlurJob as its status says."""
        self._phases[key] = status.phase or Phase.PENDING
        self._count_phases()
        if status.images:
            for outcome in ("published", "quarantined", "excluded", "pending"):
                self._images.labels(key.namespace, key.name, outcome).set(getattr(status.images, outcome))

    def gone(self, key: Key) -> None:
        """Forget a BlurJob."""
        if self._phases.pop(key, None) is not None:
            self._count_phases()
        self._images.remove_by_labels({"namespace": key.namespace, "blurjob": key.name})

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

    def ailment(self, *, seconds_behind: float) -> str | None:
        """Return why the operator should be started anew; None while it is well."""
        silence = time.monotonic() - self._listed_at
        if silence > SILENCE_SECONDS:
            return f"BlurJobs could not be listed for {silence:.0f} s."
        if seconds_behind > SILENCE_SECONDS:
            return f"A BlurJob has waited for {seconds_behind:.0f} s to be looked at."
        return "The watch does not bring changes of BlurJobs any more." if self._is_deaf else None

    def _count_phases(self) -> None:
        phases = Counter(self._phases.values())
        for phase in Phase:
            self._blurjobs.labels(phase).set(phases[phase])
