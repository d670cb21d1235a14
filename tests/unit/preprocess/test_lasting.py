"""What is kept of a correction covers the same place in whatever is published under that name later."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_crds.codes import ObjectClass
from baas_ledger.facts import Correction
from baas_preprocess.facts import ImageFormat, Inspection
from baas_preprocess.lasting import correction_of, wanted_of
from baas_preprocess.mask import mask
from baas_preprocess.upright import upright
from baas_preprocess.wanted import AnyBox, PixelBox, SphereBox, Wanted, regions_of

KEPT = {"padding": 0.1, "reference": ""}


def seen(width: int, height: int, *, wraps: bool = False, orientation: int = 1) -> Inspection:
    return Inspection(
        format=ImageFormat.JPEG,
        width_px=width,
        height_px=height,
        wraps=wraps,
        is_sphere=wraps,
        orientation=orientation,
        unit_px=(16, 16),
        coding="",
        metadata=("GPano",) if wraps else (),
        hidden_images=(),
    )


@st.composite
def reported(draw: st.DrawFn) -> tuple[AnyBox, Inspection]:
    wraps = draw(st.booleans())
    height = draw(st.integers(1, 300))
    picture = (
        seen(2 * height, height, wraps=True)
        if wraps
        else seen(draw(st.integers(1, 600)), height, orientation=draw(st.integers(1, 8)))
    )
    if wraps and draw(st.booleans()):
        sphere = SphereBox(
            yaw=draw(st.floats(-360, 360)),
            pitch=draw(st.floats(-90, 90)),
            width_deg=draw(st.floats(0.1, 360)),
            height_deg=draw(st.floats(0.1, 180)),
        )
        return sphere, picture
    width, height = picture.width_px, picture.height_px
    if picture.orientation >= 5:
        width, height = height, width
    left, top = draw(st.floats(0, width, exclude_max=True)), draw(st.floats(0, height, exclude_max=True))
    box = PixelBox(
        left=left,
        top=top,
        width=draw(st.floats(1e-6, width if wraps else width - left + 1e-6)),
        height=draw(st.floats(1e-6, height - top + 1e-6)),
    )
    return box, picture


@given(reported(), st.sampled_from([0.0, 0.1, 0.7]))
def test_whatever_was_reported_is_the_same_place_again(report: tuple[AnyBox, Inspection], padding: float) -> None:
    box, picture = report
    wanted = Wanted(box=box, object_class=ObjectClass.LICENCE_PLATE)
    kept = correction_of(wanted, picture, padding=padding, reference="7")
    assert (kept.object_class, kept.padding, kept.reference) == (ObjectClass.LICENCE_PLATE, padding, "7")
    [first], [again] = regions_of([wanted], picture), regions_of([wanted_of(kept)], picture)
    assert np.allclose(astuple(again.box), astuple(first.box), rtol=0, atol=1e-6)
    assert (again.object_class, again.padding) == (ObjectClass.LICENCE_PLATE, padding)


def kept(box: PixelBox, picture: Inspection, padding: float = 0.1) -> Wanted:
    return wanted_of(correction_of(Wanted(box=box), picture, padding=padding, reference=""))


def test_a_larger_picture_of_the_same_is_covered_at_the_same_place() -> None:
    [region] = regions_of([kept(PixelBox(left=30, top=60, width=12, height=24), seen(300, 150))], seen(1200, 600))
    assert astuple(region.box) == pytest.approx((120, 240, 168, 336))


@pytest.mark.parametrize("before", range(1, 9))
@pytest.mark.parametrize("after", range(1, 9))
def test_a_picture_that_was_turned_meanwhile_is_covered_where_viewers_show_the_place(before: int, after: int) -> None:
    wanted = kept(PixelBox(left=48, top=16, width=32, height=48), seen(*_stored(160, 96, before), orientation=before))
    turned = seen(*_stored(160, 96, after), orientation=after)
    [region] = regions_of([wanted], turned)
    made = mask([region], turned, padding=0.0, cells=6).covered.astype(np.uint8)
    shown = upright(np.repeat(made[..., None], 3, axis=2), after)[..., 0] > 0
    assert shown[1:4, 3:5].all()
    assert shown.sum() == (3 + 2) * (2 + 2)  # a unit around it, since it is padded


def _stored(width: int, height: int, orientation: int) -> tuple[int, int]:
    return (height, width) if orientation >= 5 else (width, height)


def test_what_was_redacted_around_a_box_is_redacted_again_under_a_recipe_with_less_padding() -> None:
    picture = seen(640, 320)
    wanted = [kept(PixelBox(left=200, top=100, width=100, height=100), picture, padding=0.5)]
    made = {
        padding: mask(regions_of(wanted, picture), picture, padding=padding, cells=6) for padding in (0.1, 0.5, 0.8)
    }
    assert np.array_equal(made[0.1].covered, made[0.5].covered)
    assert made[0.8].share > made[0.5].share


def test_a_box_across_the_seam_ends_at_the_edge_of_a_flat_picture() -> None:
    wanted = kept(PixelBox(left=580, top=100, width=60, height=40), seen(600, 300, wraps=True))
    [region] = regions_of([wanted], seen(600, 300))
    assert astuple(region.box) == pytest.approx((580, 100, 600, 140))


def test_reports_that_cannot_be_written_down_as_they_are_are_written_out() -> None:
    wanted = Wanted(box=PixelBox(left=1, top=1, width=2, height=2))
    told = correction_of(wanted, seen(20, 10), padding=0.1, reference="\ud800").as_facts()
    assert told["reference"] == "\\ud800"
    assert Correction.of_facts(told).reference == "\\ud800"
