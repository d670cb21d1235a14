"""A BlurJob on a cluster as tests look at it, with its children."""

import json
from dataclasses import dataclass
from typing import Any

from tests.e2e.clusters import PATIENTLY, Cluster, Object
from tests.waiting import PATIENCE_SECONDS, eventually

RETRY = "blurring.amsterdam.nl/retry-quarantined"


@dataclass(frozen=True, kw_only=True)
class BlurJobRun:
    """One BlurJob and its children."""

    cluster: Cluster
    namespace: str
    name: str
    uid: str

    def blurjob(self) -> Object:
        return self.cluster.get("-n", self.namespace, "blurjob", self.name)

    def status(self) -> Object:
        status: Object = self.blurjob().get("status", {})
        return status

    def images(self) -> dict[str, int]:
        """How many images have which fate; empty before the run is planned."""
        counts: dict[str, int] = self.status().get("images", {})
        return counts

    def condition(self, type_: str) -> Object:
        return next(c for c in self.status()["conditions"] if c["type"] == type_)

    def wait(self, condition: str, *, seconds: int = PATIENCE_SECONDS) -> None:
        self.wait_for(f"condition={condition}", f"blurjob/{self.name}", seconds=seconds)

    def wait_for_reason(self, reason: str, *, seconds: int = PATIENCE_SECONDS) -> None:
        path = '{.status.conditions[?(@.type=="Progressing")].reason}'
        self.wait_for(f"jsonpath={path}={reason}", f"blurjob/{self.name}", seconds=seconds)

    def wait_for_job(self, role: str, attempt: int = 1, *, pods: int = 1) -> None:
        """Wait until a Job has so many pods that run."""
        self.wait_for("create", f"job/{self.name}-{role}-{attempt}")
        self.wait_for(f"jsonpath={{.status.ready}}={pods}", f"job/{self.name}-{role}-{attempt}")

    def wait_for_workers(self, pods: int) -> None:
        """Wait until the status tells of so many pods at work, as it does a moment after their Job."""
        self.wait_for(f"jsonpath={{.status.workers}}={pods}", f"blurjob/{self.name}")

    def wait_for(self, what: str, object_: str, *, seconds: int = PATIENCE_SECONDS) -> None:
        self.cluster.kubectl("wait", "-n", self.namespace, "--for", what, object_, "--timeout", f"{seconds}s")

    def children(self, *kinds: str) -> list[Object]:
        label = f"blurring.amsterdam.nl/blurjob-uid={self.uid}"
        found: list[Object] = self.cluster.get("-n", self.namespace, ",".join(kinds), "-l", label)["items"]
        return found

    def names(self, *kinds: str) -> list[str]:
        return sorted(child["metadata"]["name"] for child in self.children(*kinds))

    def pods(self, role: str) -> list[str]:
        """Pods that run and are not about to end."""
        return [
            pod["metadata"]["name"]
            for pod in self.children("pods")
            if pod["metadata"]["labels"]["blurring.amsterdam.nl/role"] == role
            and pod["status"]["phase"] == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def change(self, change: dict[str, Any]) -> None:
        patch = json.dumps({"spec": change})
        self.cluster.kubectl("patch", "-n", self.namespace, "blurjob", self.name, "--type=merge", "--patch", patch)

    def ask_for_retry(self, word: str) -> None:
        self.cluster.kubectl("annotate", "-n", self.namespace, "blurjob", self.name, f"{RETRY}={word}", "--overwrite")

    def delete(self) -> None:
        self.cluster.kubectl("delete", "-n", self.namespace, "blurjob", self.name, *PATIENTLY)

    def wait_for_event(self, reason: str) -> None:
        """Wait for an event, which is made a moment after the status has told the same."""
        eventually(lambda: reason in self.events())

    def events(self) -> list[str]:
        """The reasons of its events, the earliest first."""
        found = self.cluster.get("-n", self.namespace, "events", "--field-selector", f"involvedObject.uid={self.uid}")[
            "items"
        ]
        return [event["reason"] for event in sorted(found, key=lambda event: str(event["eventTime"]))]
