"""Decide from the bytes of a file alone whether it is a picture that can be made safe, and what it holds.

Nothing is decoded and nothing of the picture's size is allocated. `scrub` reads the same facts with the same readers.
"""

from collections.abc import Mapping
from typing import Final

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.container import jpeg, jpeg_frame, jpeg_metadata, png, png_metadata, tiff_file
from baas_preprocess.container.formats import format_of
from baas_preprocess.container.metadata import Metadata
from baas_preprocess.facts import ImageFormat, Inspection

_MIN_PANORAMA_PX: Final = 2_000


def inspect(data: bytes, *, max_pixels: int) -> Inspection:
    """Say what a file is and holds.

    Raises `NotPublishable` for everything that is not a complete JPEG, PNG or TIFF of a supported coding with at most
    `max_pixels` pixels, and nothing else for any bytes.
    """
    match format_of(data):
        case ImageFormat.JPEG:
            return _inspect_jpeg(data, max_pixels)
        case ImageFormat.PNG:
            return _inspect_png(data, max_pixels)
        case ImageFormat.TIFF:
            return _inspect_tiff(data, max_pixels)


def wraps(width_px: int, height_px: int, panorama: Mapping[str, str]) -> bool:
    """Whether the left edge of the picture touches its right one: a full turn in equirectangular projection.

    GPano decides where it names a projection: the width of the picture must then not be less than that of the full
    panorama, both as GPano tells them, because a copy that was made smaller keeps the old numbers. Without GPano, a
    picture twice as wide as high from 2000 px on is taken for a panorama: a wrong yes only adds pixels to look at.
    """
    if "ProjectionType" not in panorama:
        return width_px == 2 * height_px and width_px >= _MIN_PANORAMA_PX
    return _is_equirectangular(panorama) and not _is_cropped(panorama, "Width")


def is_sphere(width_px: int, height_px: int, panorama: Mapping[str, str]) -> bool:
    """Whether GPano says that the picture shows the whole sphere, from +90° in its first row to -90° in its last.

    Only then do rows mean degrees, and the sky and the ground may be looked at less closely than the street.
    """
    is_whole = not _is_cropped(panorama, "Width") and not _is_cropped(panorama, "Height")
    return _is_equirectangular(panorama) and is_whole and width_px == 2 * height_px


def _is_equirectangular(panorama: Mapping[str, str]) -> bool:
    return panorama.get("ProjectionType", "").strip().lower() == "equirectangular"


def _is_cropped(panorama: Mapping[str, str], side: str) -> bool:
    full, cropped = (_number(panorama.get(f"{name}{side}Pixels")) for name in ("FullPano", "CroppedAreaImage"))
    return full is not None and cropped is not None and cropped < full


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _inspect_jpeg(data: bytes, max_pixels: int) -> Inspection:
    file = jpeg.walk(data)
    frame = jpeg_frame.frame_of(file)
    check_size(frame.width_px, frame.height_px, max_pixels)
    coding = jpeg_frame.checked_coding(
        file,
        frame,
        is_jfif=jpeg_metadata.density_of(file) is not None,
        adobe_transform=jpeg_metadata.adobe_transform(file),
    )
    return _inspection(
        ImageFormat.JPEG,
        (frame.width_px, frame.height_px),
        frame.unit_px,
        coding,
        jpeg_metadata.metadata_of(data, file),
    )


def _inspect_png(data: bytes, max_pixels: int) -> Inspection:
    chunks, end = png.walk(data)
    header = png.header_of(chunks)
    check_size(header.width_px, header.height_px, max_pixels)
    metadata = png_metadata.metadata_of(data, chunks, end)
    return _inspection(ImageFormat.PNG, (header.width_px, header.height_px), (8, 8), png.coding_of(header), metadata)


def _inspect_tiff(data: bytes, max_pixels: int) -> Inspection:
    file = tiff_file.walk(data)
    check_size(*file.size_px, max_pixels)
    coding = tiff_file.checked_coding(file)
    return _inspection(ImageFormat.TIFF, file.size_px, (8, 8), coding, tiff_file.metadata_of(data, file))


def check_size(width_px: int, height_px: int, max_pixels: int) -> None:
    """Raise `NotPublishable` above the limit, before anybody allocates a picture of that size."""
    if width_px * height_px > max_pixels:
        raise NotPublishable(
            QuarantineReason.TOO_LARGE,
            f"The picture has {width_px}x{height_px} = {width_px * height_px:,} pixels; the limit is {max_pixels:,}.",
        )


def _inspection(
    image_format: ImageFormat,
    size_px: tuple[int, int],
    unit_px: tuple[int, int],
    coding: str,
    metadata: Metadata,
) -> Inspection:
    width_px, height_px = size_px
    return Inspection(
        format=image_format,
        width_px=width_px,
        height_px=height_px,
        wraps=wraps(width_px, height_px, metadata.panorama),
        is_sphere=is_sphere(width_px, height_px, metadata.panorama),
        orientation=metadata.orientation,
        unit_px=unit_px,
        coding=coding,
        metadata=metadata.kinds,
        hidden_images=metadata.hidden,
    )
