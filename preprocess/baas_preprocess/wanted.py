"""Boxes that people want to be redacted, as they tell them, and where these lie in a stored picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_preprocess.facts import Box, Inspection, Region
from baas_preprocess.spherical import covering
from baas_preprocess.upright import is_joined, shown_size, stored_box

# Numbers that were normalised or measured on a screen may lie beyond the edge by a rounding error.
SLACK_PX = 1.0


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("Input should be a number")
    return value


Number: TypeAlias = Annotated[FiniteFloat, BeforeValidator(_no_truth_value), AfterValidator(lambda value: value + 0.0)]


class _Box(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PixelBox(_Box):
    """A rectangle in pixels of the picture as viewers show it, that is turned by its Exif orientation."""

    left: Annotated[Number, Field(ge=0)]
    top: Annotated[Number, Field(ge=0)]
    width: Annotated[Number, Field(gt=0)]
    """`left + width` beyond a 360° panorama's width goes on at its left edge."""
    height: Annotated[Number, Field(gt=0)]


class SphereBox(_Box):
    """A box on the sphere, around yaw and pitch of the picture, in degrees; see `spherical.covering`."""

    yaw: Annotated[Number, Field(ge=-360, le=360)]
    pitch: Annotated[Number, Field(ge=-90, le=90)]
    width_deg: Annotated[Number, Field(gt=0, le=360)]
    height_deg: Annotated[Number, Field(gt=0, le=180)]


class ShareBox(_Box):
    """A rectangle in shares (0..1) of the picture's width and height as viewers show it; as such it is kept."""

    x: Annotated[Number, Field(ge=0, lt=1)]
    y: Annotated[Number, Field(ge=0, lt=1)]
    width: Annotated[Number, Field(ge=0, le=1)]
    """`x + width` beyond 1 goes on at the left edge of a 360° panorama, and ends at the right one of others."""
    height: Annotated[Number, Field(ge=0, le=1)]


AnyBox: TypeAlias = PixelBox | SphereBox | ShareBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One box that somebody wants to be redacted."""

    box: AnyBox
    object_class: ObjectClass = ObjectClass.PERSON
    padding: float = 0.0
    """At least this share of the box's size is redacted around it, whatever the recipe says."""


class OutOfPicture(ConfigurationError):
    """A box that does not lie in the picture it is meant for."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def regions_of(wanted: Sequence[Wanted], seen: Inspection) -> tuple[Region, ...]:
    """Return the boxes as regions of the stored picture, with the score 1. Raises `OutOfPicture`."""
    width, height = shown_size(seen)
    return tuple(
        Region(
            box=stored_box(outline(one.box, seen), seen.orientation, width, height),
            object_class=one.object_class,
            score=1.0,
            detections=1,
            padding=one.padding,
        )
        for one in wanted
    )


def shares(box: AnyBox, seen: Inspection) -> ShareBox:
    """Return the same box as it is kept. Raises `OutOfPicture`."""
    shown, (width, height) = outline(box, seen), shown_size(seen)
    return ShareBox(
        x=shown.left / width,
        y=shown.top / height,
        width=min((shown.right - shown.left) / width, 1.0),
        height=min((shown.bottom - shown.top) / height, 1.0),
    )


def outline(box: AnyBox, seen: Inspection) -> Box:
    """Return the rectangle of the picture as viewers show it that covers a box.

    Raises `OutOfPicture` when the box leaves the picture, since it was then measured on another one, and for a box on
    the sphere when the picture does not show the whole sphere.
    """
    if isinstance(box, ShareBox):
        return _outline_in_shares(box, seen)
    if isinstance(box, SphereBox):
        if not shows_the_sphere(seen):
            raise OutOfPicture(
                "yaw",
                f"the picture, {seen.width_px}x{seen.height_px} px, is no upright panorama of the whole sphere. "
                "Give the box in pixels.",
            )
        return covering(
            box.yaw, box.pitch, box.width_deg, box.height_deg, width_px=seen.width_px, height_px=seen.height_px
        )
    return _outline_in_pixels(box, seen)


def shows_the_sphere(seen: Inspection) -> bool:
    """Whether a picture is an upright panorama of the whole sphere, by GPano, or without GPano by its shape."""
    return is_joined(seen) and (seen.is_sphere or "GPano" not in seen.metadata)


def _outline_in_shares(box: ShareBox, seen: Inspection) -> Box:
    width, height = shown_size(seen)
    right = (box.x + box.width) * width
    return Box(
        box.x * width,
        box.y * height,
        right if is_joined(seen) else min(right, float(width)),
        min((box.y + box.height) * height, float(height)),
    )


def _outline_in_pixels(box: PixelBox, seen: Inspection) -> Box:
    width, height = shown_size(seen)
    for name, start, size, whole in (("left", box.left, box.width, width), ("top", box.top, box.height, height)):
        side = "width" if name == "left" else "height"
        if start >= whole:
            raise OutOfPicture(name, f"{start:g} lies outside of the picture, which is {width}x{height} px.")
        if size > whole + SLACK_PX:
            raise OutOfPicture(side, f"{size:g} is more than the picture has, which is {width}x{height} px.")
        if start + size > whole + SLACK_PX and not (name == "left" and is_joined(seen)):
            raise OutOfPicture(
                side, f"{name} + {side} is {start + size:g}, beyond the picture, which is {width}x{height} px."
            )
    right = box.left + min(box.width, float(width))
    return Box(
        box.left,
        box.top,
        right if is_joined(seen) else min(right, float(width)),
        min(box.top + box.height, float(height)),
    )
