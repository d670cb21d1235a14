"""What the operator remembers of BlurJobs between looks."""

import time
from typing import Any

import pytest

from baas_operator.limits import Limits
from baas_operator.memory import Jobs, Memory, add_job
from baas_operator.names import Key, Role, job_labels, job_name
from tests.blurjobs import with_change
from tests.unit.operator.seeing import NOTES, UID

Document = dict[str, Any]
KEY = Key(namespace="panoramas", name="amsterdam")
OTHER_UID = "1af76519-16cd-43dd-8448-eb211c80319c"
BLURJOB: Document = {
    "metadata": {
        "namespace": "panoramas",
        "name": "amsterdam",
        "uid": UID,
        "generation": 1,
        "resourceVersion": "7",
        "creationTimestamp": "2026-06-01T11:00:00Z",
    },
    "spec": {"source": {"volume": {"claimName": "raw"}}, "output": {"volume": {"claimName": "safe"}}},
}


def changed(**metadata: Any) -> Document:
    document: Document = with_change(BLURJOB, {"metadata": metadata})
    return document


def a_job(attempt: int, *, uid: str = UID, active: int = 1) -> Document:
    return {
        "metadata": {
            "name": job_name("amsterdam", Role.WORK, attempt),
            "uid": f"uid-{attempt}",
            "creationTimestamp": "2026-06-01T11:00:00Z",
            "labels": job_labels("amsterdam", uid, Role.WORK, attempt),
        },
        "spec": {"parallelism": 1},
        "status": {"active": active},
    }


@pytest.fixture
def memory() -> Memory:
    """One that knows a BlurJob and its notebook."""
    it = Memory(Limits(triton_url="grpc://triton.baas.svc:8001"))
    it.learn(BLURJOB)
    it.note(UID, NOTES)
    return it


def attempts(memory: Memory) -> list[int]:
    seen = memory.recall(KEY)
    assert seen is not None
    return [job.attempt for job in seen.jobs]


@pytest.mark.parametrize(
    ("document", "is_new"),
    [
        pytest.param(changed(resourceVersion="8"), False, id="our own status"),
        pytest.param(changed(generation=2), True, id="another spec"),
        pytest.param(changed(annotations={"blurring.amsterdam.nl/retry-quarantined": "x"}), True, id="a retry"),
        pytest.param(changed(deletionTimestamp="2026-06-01T12:00:00Z"), True, id="to be deleted"),
        pytest.param(changed(uid=OTHER_UID), True, id="made anew"),
    ],
)
def test_what_people_say_is_new_and_what_the_operator_says_is_not(
    memory: Memory, document: Document, is_new: bool
) -> None:
    assert memory.learn(document) is is_new


def test_what_is_remembered_is_what_was_heard_last(memory: Memory) -> None:
    memory.learn(changed(generation=2, resourceVersion="8"))
    memory.learn_job(a_job(2))
    memory.learn_job(a_job(1))
    memory.learn_job(a_job(2, active=0))
    seen = memory.recall(KEY)
    assert seen is not None
    assert (seen.generation, seen.notebook) == (2, NOTES)
    assert [(job.attempt, job.active) for job in seen.jobs] == [(1, 1), (2, 0)]
    memory.forget_job(a_job(1))
    assert attempts(memory) == [2]


def test_a_blurjob_made_anew_has_neither_notebook_nor_jobs_of_the_earlier_one(memory: Memory) -> None:
    memory.learn_job(a_job(1))
    memory.learn(changed(uid=OTHER_UID))
    assert memory.recall(KEY) is None, "its notebook was not asked for"
    memory.note(OTHER_UID, None)
    assert attempts(memory) == []


def test_a_notebook_is_not_trusted_for_ever(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.monotonic() + 3_600
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert memory.recall(KEY) is None


def test_lists_say_what_the_watch_has_missed(memory: Memory) -> None:
    memory.learn_job(a_job(1))
    memory.begin_list()
    assert not memory.missed(BLURJOB)
    assert memory.missed(changed(resourceVersion="8"))
    assert not memory.missed(changed(resourceVersion="8"))
    same: Jobs = {}
    other: Jobs = {}
    add_job(same, a_job(1))
    add_job(other, a_job(2))
    assert memory.replace_jobs(same) == set()
    assert memory.replace_jobs(other) == {KEY}
    assert attempts(memory) == [2]
    assert memory.replace_jobs({}) == {KEY}
    assert memory.keep({KEY}) == set()
    assert memory.keep(set()) == {KEY}
    assert memory.recall(KEY) is None


def test_a_list_does_not_outdo_what_the_watch_has_told_since_it_began(memory: Memory) -> None:
    memory.begin_list()
    memory.learn(changed(generation=2, resourceVersion="8"))
    memory.learn_job(a_job(1, active=0))
    listed: Jobs = {}
    add_job(listed, a_job(1))
    assert not memory.missed(BLURJOB)
    assert memory.keep(set()) == set()
    assert memory.replace_jobs(listed) == set()
    seen = memory.recall(KEY)
    assert seen is not None
    assert (seen.generation, [job.active for job in seen.jobs]) == (2, [0])
    memory.begin_list()
    assert memory.missed(BLURJOB), "the next list is newer"


def test_a_job_that_only_bears_our_labels_is_none_of_ours(memory: Memory) -> None:
    stranger = a_job(1)
    del stranger["metadata"]["labels"]["blurring.amsterdam.nl/role"]
    memory.learn_job(stranger)
    assert attempts(memory) == []


def test_nothing_is_kept_of_what_is_gone(memory: Memory) -> None:
    memory.learn_job(a_job(1))
    memory.forget_job(a_job(1))
    memory.forget(KEY)
    assert memory == Memory(memory.limits)
