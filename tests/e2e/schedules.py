"""BlurSchedules of end-to-end tests, whose starts come when a test wants them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.clusters import Cluster, Object
from tests.waiting import PATIENCE_SECONDS, eventually

PATIENTLY = f"--timeout={PATIENCE_SECONDS}s"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One BlurSchedule and its BlurJobs."""

    cluster: Cluster
    namespace: str
    name: str

    @classmethod
    def made(cls, cluster: Cluster, namespace: str, name: str, blurjob: Object, **spec: Any) -> "Schedule":
        """Apply a schedule that is suspended."""
        document = {
            "apiVersion": "blurring.amsterdam.nl/v1alpha1",
            "kind": "BlurSchedule",
            "metadata": {"name": name},
            "spec": {"schedule": "0 2 * * *", "suspend": True, "blurJobTemplate": {"spec": blurjob}, **spec},
        }
        cluster.apply(namespace, document)
        return cls(cluster=cluster, namespace=namespace, name=name)

    def document(self) -> Object:
        return self.cluster.get("-n", self.namespace, "blurschedule", self.name)

    def status(self) -> Object:
        status: Object = self.document().get("status", {})
        return status

    def change(self, **spec: Any) -> None:
        self._patch({"spec": spec})

    def wait(self, condition: str) -> None:
        self.cluster.kubectl(
            *("wait", "-n", self.namespace, "--for", f"condition={condition}", PATIENTLY),
            f"blurschedule/{self.name}",
        )

    def reason(self) -> str | None:
        """Why it is where it is."""
        conditions = self.status().get("conditions", ())
        return next((one["reason"] for one in conditions if one["type"] == "Scheduled"), None)

    def let_miss(self, days: int) -> None:
        """Let the last start have been so many days ago, with nobody there since."""
        self.wait("Suspended")
        last = datetime.now(UTC) - timedelta(days=days)
        self._patch({"status": {"lastScheduleTime": f"{last:%Y-%m-%dT%H:%M:%SZ}"}}, "--subresource=status")
        self.change(suspend=False)

    def blurjobs(self) -> list[Object]:
        """Its BlurJobs, the oldest first."""
        label = f"blurring.amsterdam.nl/blurschedule={self.name}"
        items: list[Object] = self.cluster.get("-n", self.namespace, "blurjobs", "-l", label)["items"]
        return sorted(items, key=lambda item: item["metadata"]["name"])

    def first_blurjob(self) -> Object:
        """Its first BlurJob, as soon as there is one."""
        return eventually(lambda: next(iter(self.blurjobs()), None))

    def events(self) -> list[str]:
        """The reasons of its events."""
        found = self.cluster.get("-n", self.namespace, "events.events.k8s.io")["items"]
        return [one["reason"] for one in found if one["regarding"].get("uid") == self.document()["metadata"]["uid"]]

    def delete(self) -> None:
        self.cluster.kubectl("delete", "-n", self.namespace, "blurschedule", self.name, PATIENTLY)

    def _patch(self, change: Object, *words: str) -> None:
        patch = json.dumps(change)
        words = ("--type=merge", *words, "blurschedule", self.name, "--patch", patch)
        self.cluster.kubectl("patch", "-n", self.namespace, *words)
