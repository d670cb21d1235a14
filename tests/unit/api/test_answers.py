"""What is answered beside a picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_api.answers import shapes_of, wants_form
from baas_crds.codes import ObjectClass
from baas_preprocess.facts import Box, Region


def region(left: float, top: float, right: float, bottom: float) -> Region:
    return Region(box=Box(left, top, right, bottom), object_class=ObjectClass.PERSON, score=0.5, detections=1)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("multipart/form-data", True),
        ("Multipart/Form-Data; boundary=x", True),
        ("image/jpeg, multipart/form-data;q=0.5", True),
        ("multipart/form-data;q=0", False),
        ("multipart/form-data; q=0.0, image/jpeg", False),
        ("multipart/form-data;q=high", True),
        ("*/*", False),
        ("multipart/*", False),
        ("", False),
        ("image/jpeg", False),
        (";,;q", False),
    ],
)
def test_a_form_is_answered_to_whoever_names_it(accept: str, wanted: bool) -> None:
    assert wants_form(accept) is wanted


def test_a_box_covers_all_pixels_that_it_touches() -> None:
    assert list(shapes_of(region(10.2, 20.7, 30.1, 40), 100, 50)) == [(10, 20, 31, 40)]


def test_an_object_across_the_seam_is_told_at_both_edges() -> None:
    assert list(shapes_of(region(90.5, 10, 105.5, 20), 100, 50)) == [(90, 10, 100, 20), (0, 10, 6, 20)]


@given(
    st.tuples(st.floats(0, 99.9), st.floats(-1, 50)).flatmap(
        lambda at: st.tuples(st.just(at), st.floats(at[0], at[0] + 100), st.floats(at[1], 51))
    )
)
def test_shapes_lie_within_the_picture(found: tuple[tuple[float, float], float, float]) -> None:
    (left, top), right, bottom = found
    for shape in shapes_of(region(left, top, right, bottom), 100, 50):
        assert 0 <= shape[0] <= shape[2] <= 100
        assert 0 <= shape[1] <= 50
        assert shape[3] <= 50
