"""What the operator remembers between looks, so that a look at which nothing is new asks Kubernetes nothing.

The watch fills it, and lists of all make good for what the watch has missed; what the watch has brought since a list
began is newer than the list. Nothing is done on its word: when it says that something is to be done or that a state has
changed, the API server is asked first, and mere counts are told only of the version that they were counted for.
"""

import json
import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeAlias

from baas_operator.documents import Document, read_blurjob, read_job
from baas_operator.limits import Limits
from baas_operator.names import BLURJOB_UID, RETRY, Key
from baas_operator.observed import Job, Notebook, Observed

TRUST_SECONDS = 900.0
"""So long the notebook is taken for what it was: nobody else should write it, and no watch tells of it."""

Jobs: TypeAlias = dict[str, dict[str, Job]]
"""By the BlurJob's uid, by their names."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A BlurJob, as text: read into facts it takes six times as much memory."""

    uid: str
    version: str
    said: tuple[object, ...]
    """What people say of it."""
    text: bytes


@dataclass(frozen=True, slots=True)
class _Noted:
    notebook: Notebook | None
    at: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Memory:
    """BlurJobs with their Jobs and notebooks, as they were last heard of."""

    limits: Limits
    """What BlurJobs may say."""
    _blurjobs: dict[Key, _Heard] = field(default_factory=dict)
    _jobs: Jobs = field(default_factory=dict)
    _notebooks: dict[str, _Noted] = field(default_factory=dict)
    """By the BlurJob's uid."""
    _fresh: set[str] = field(default_factory=set, compare=False)
    """The uids of BlurJobs of which, or of whose Jobs, the watch has told since the last list began."""

    @property
    def keys(self) -> dict[str, Key]:
        """The BlurJobs that are remembered, by their uids."""
        return {heard.uid: key for key, heard in self._blurjobs.items()}

    def recall(self, key: Key) -> Observed | None:
        """Return what is remembered of a BlurJob; None when that is not all, or too old."""
        heard = self._blurjobs.get(key)
        noted = self._notebooks.get(heard.uid) if heard else None
        if heard is None or noted is None or time.monotonic() - noted.at > TRUST_SECONDS:
            return None
        seen = read_blurjob(json.loads(heard.text), self.limits, now=this_second())
        return replace(seen, jobs=in_order(self._jobs.get(heard.uid, {}).values()), notebook=noted.notebook)

    def begin_list(self) -> None:
        """Note that a list begins: what the watch tells from now on is newer than what the list will hold."""
        self._fresh.clear()

    def missed(self, document: Document) -> bool:
        """Remember a BlurJob of a list, and return whether the watch had not brought this version of it, or a newer."""
        heard = self._blurjobs.get(key_of(document))
        is_known = heard is not None and heard.version == document["metadata"]["resourceVersion"]
        if is_known or document["metadata"]["uid"] in self._fresh:
            return False
        self._put(key_of(document), _heard(document))
        return True

    def learn(self, document: Document) -> bool:
        """Remember a BlurJob, and return whether it says anything new. The operator's own writes do not."""
        key, heard = key_of(document), _heard(document)
        before = self._blurjobs.get(key)
        self._fresh.add(heard.uid)
        self._put(key, heard)
        return before is None or before.said != heard.said

    def _put(self, key: Key, heard: _Heard) -> None:
        before = self._blurjobs.get(key)
        if before is not None and before.uid != heard.uid:
            self.forget(key)
        self._blurjobs[key] = heard

    def learn_job(self, document: Document) -> None:
        """Remember a Job."""
        self._fresh.add(document["metadata"]["labels"].get(BLURJOB_UID, ""))
        add_job(self._jobs, document)

    def forget_job(self, document: Document) -> None:
        """Remember that a Job is gone."""
        metadata = document["metadata"]
        uid = metadata["labels"].get(BLURJOB_UID, "")
        self._fresh.add(uid)
        jobs = self._jobs.get(uid, {})
        jobs.pop(metadata["name"], None)
        if not jobs:
            self._jobs.pop(uid, None)

    def note(self, uid: str, notebook: Notebook | None) -> None:
        """Remember the notebook of the BlurJob with this uid, or that it has none yet."""
        self._notebooks[uid] = _Noted(notebook)

    def forget(self, key: Key) -> None:
        """Forget a BlurJob that is gone."""
        heard = self._blurjobs.pop(key, None)
        if heard is not None:
            self._notebooks.pop(heard.uid, None)

    def keep(self, keys: Container[Key]) -> set[Key]:
        """Forget all BlurJobs that a list lacks, and return them."""
        gone = {key for key, heard in self._blurjobs.items() if key not in keys and heard.uid not in self._fresh}
        for key in gone:
            self.forget(key)
        return gone

    def replace_jobs(self, jobs: Jobs) -> set[Key]:
        """Remember the Jobs of a list and no others, and return the BlurJobs of which that is news."""
        before = self._jobs
        fresh = {uid: own for uid, own in before.items() if uid in self._fresh}
        self._jobs = {uid: own for uid, own in jobs.items() if uid not in self._fresh} | fresh
        return {key for key, heard in self._blurjobs.items() if before.get(heard.uid) != self._jobs.get(heard.uid)}


def add_job(jobs: Jobs, document: Document) -> None:
    """Put a Job with the others, unless somebody only gave it our labels."""
    uid, job = document["metadata"]["labels"].get(BLURJOB_UID), read_job(document)
    if uid is not None and job is not None:
        jobs.setdefault(uid, {})[job.name] = job


def key_of(document: Document) -> Key:
    """Return which BlurJob a document is."""
    return Key(namespace=document["metadata"]["namespace"], name=document["metadata"]["name"])


def in_order(jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Return Jobs as looks want them."""
    return tuple(sorted(jobs, key=lambda job: (job.role, job.attempt)))


def this_second() -> datetime:
    """Return the time as Kubernetes writes it, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def _heard(document: Document) -> _Heard:
    metadata = {name: value for name, value in document["metadata"].items() if name != "managedFields"}
    said = metadata["uid"], metadata["generation"], metadata.get("annotations", {}).get(RETRY)
    return _Heard(
        uid=metadata["uid"],
        version=metadata["resourceVersion"],
        said=(*said, metadata.get("deletionTimestamp")),
        text=json.dumps({**document, "metadata": metadata}).encode(),
    )
