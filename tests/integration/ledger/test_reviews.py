"""What reviewers found, on either database."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from baas_crds.codes import ObjectClass
from baas_ledger.engine import transaction
from baas_ledger.records import images
from baas_ledger.reviews import Finding, add_mark, looked_at, marks_of, note_look, remove_mark, take_back_look
from baas_ledger.tables import MarkKind, Projection

from .builders import NOON, run_with

MISSED = Finding(
    kind=MarkKind.MISSED,
    object_class=ObjectClass.PERSON,
    projection=Projection.SPHERE,
    x=-35.5,
    y=-8,
    width=4,
    height=9,
    picture_width_px=8000,
    picture_height_px=4000,
)


def test_marks_are_kept_until_they_are_taken_back(ledger: Engine) -> None:
    run = run_with(ledger, ["a", "b"])
    with transaction(ledger) as connection:
        first, second = (image.id for image in images(connection, run))
        one = add_mark(connection, first, MISSED, reviewer="0123abcd", now=NOON)
        two = add_mark(connection, second, replace(MISSED, kind=MarkKind.OVER_BLURRED), reviewer="", now=NOON)
        assert [(mark.id, mark.image, mark.reviewer, mark.at) for mark in marks_of(connection, run)] == [
            (one, "a", "0123abcd", NOON),
            (two, "b", "", NOON),
        ]
        assert marks_of(connection, run)[0].finding == MISSED
        assert not remove_mark(connection, "another run", one)
        assert remove_mark(connection, run, one)
        assert not remove_mark(connection, run, one)
        assert [mark.id for mark in marks_of(connection, run)] == [two]


def test_what_was_looked_at_is_remembered_until_it_is_taken_back(ledger: Engine) -> None:
    run = run_with(ledger, ["a", "b"])
    with transaction(ledger) as connection:
        first, second = (image.id for image in images(connection, run))
        for image in (first, first, second):
            note_look(connection, image, reviewer="")
        take_back_look(connection, second)
        assert looked_at(connection, run) == {"a"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"y": 90.5},
        {"width": 0},
        {"x": float("nan")},
        {"projection": Projection.FLAT},
        {"picture_width_px": 0},
    ],
)
def test_the_database_takes_no_box_that_is_none(ledger: Engine, wrong: dict[str, float]) -> None:
    run = run_with(ledger, ["a"])
    with transaction(ledger) as connection:
        (image,) = images(connection, run)
    with pytest.raises(IntegrityError), transaction(ledger) as connection:
        add_mark(connection, image.id, replace(MISSED, **wrong), reviewer="")
