"""What planning decides about one entry, and the names it can write down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.codes import QuarantineReason
from baas_ledger.facts import PlannedImage, Quarantined
from baas_ledger.plan import MAX_NAME_BYTES, Known, Step, step, storable, storable_name
from baas_ledger.tables import ImageState

ENTRY = PlannedImage(name="a.jpg", source_version="1", size_bytes=10)
CHANGED = PlannedImage(name="a.jpg", source_version="2", size_bytes=10)
EXCLUDED = PlannedImage(name="a.jpg", source_version="1", size_bytes=10, excluded="It is on the exclude list.")
PROBLEM = Quarantined(reason=QuarantineReason.UNREADABLE, message="Permission denied.")
UNREADABLE = PlannedImage(name="a.jpg", source_version="", size_bytes=0, problem=PROBLEM)
NEW = None
PENDING, LEASED, PUBLISHED, QUARANTINED, LEFT_OUT = tuple(ImageState)


@pytest.mark.parametrize(
    ("entry", "steps"),
    [
        pytest.param(
            ENTRY,
            {
                NEW: Step.ADD,
                PENDING: Step.KEEP,
                LEASED: Step.KEEP,
                PUBLISHED: Step.KEEP,
                QUARANTINED: Step.KEEP,
                LEFT_OUT: Step.SEND_BACK,
            },
            id="the same as before: only what was left out comes back",
        ),
        pytest.param(
            CHANGED,
            {
                NEW: Step.ADD,
                PENDING: Step.SEND_BACK,
                LEASED: Step.SEND_BACK,
                PUBLISHED: Step.SEND_BACK,
                QUARANTINED: Step.SEND_BACK,
                LEFT_OUT: Step.SEND_BACK,
            },
            id="a new version is done again, whatever became of the old one",
        ),
        pytest.param(
            EXCLUDED,
            {
                NEW: Step.EXCLUDE,
                PENDING: Step.EXCLUDE,
                LEASED: Step.KEEP,
                PUBLISHED: Step.EXCLUDE,
                QUARANTINED: Step.EXCLUDE,
                LEFT_OUT: Step.KEEP,
            },
            id="what is not under work can be left out, published or not",
        ),
        pytest.param(
            UNREADABLE,
            {
                NEW: Step.QUARANTINE,
                PENDING: Step.QUARANTINE,
                LEASED: Step.KEEP,
                PUBLISHED: Step.KEEP,
                QUARANTINED: Step.KEEP,
                LEFT_OUT: Step.QUARANTINE,
            },
            id="what cannot be read is quarantined, unless it is published or under work",
        ),
    ],
)
def test_step(entry: PlannedImage, steps: dict[ImageState | None, Step]) -> None:
    def known(state: ImageState | None) -> Known | None:
        return None if state is None else Known(id=1, state=state, source_version="1")

    assert {state: step(known(state), entry) for state in steps} == steps


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=MAX_NAME_BYTES // 4))
def test_an_ordinary_name_is_stored_as_it_is(name: str) -> None:
    assert storable_name(name) == name


@given(st.text(st.characters(), max_size=3_000))
def test_what_is_stored_of_a_name_always_fits_and_is_stable(name: str) -> None:
    stored = storable_name(name)
    assert len(stored.encode()) <= MAX_NAME_BYTES
    assert "\0" not in stored
    assert storable_name(stored) == stored


@given(st.lists(st.text(st.sampled_from(["a", "\0", "\udcff", "\\", "x", "0"])), unique=True))
def test_different_names_are_stored_differently(names: list[str]) -> None:
    assert len({storable_name(name) for name in names}) == len(names)


def test_a_name_that_cannot_be_stored_is_quarantined() -> None:
    entry = storable(PlannedImage(name="caf\udce9.jpg", source_version="1", size_bytes=10))
    assert entry.name.startswith("caf\\udce9.jpg (name ")
    assert entry.problem is not None
    assert entry.problem.reason is QuarantineReason.UNUSABLE_NAME
