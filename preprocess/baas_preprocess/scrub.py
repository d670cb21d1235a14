"""Put the metadata that may stay onto the redacted picture. An allow-list decides; all else of the original is gone.

The finished file is built from the redacted picture, which carries no metadata, and from blocks written anew. Nothing
is removed from the original, so nothing can be forgotten. The lists: `container/exif.py` (tags), `container/xmp.py`
(properties), `container/png_metadata.py` (chunks); the ICC profile stays byte by byte. A JPEG that had an Exif
thumbnail gets a new one, made of the redacted picture.
"""

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_preprocess.container import jpeg, jpeg_metadata, png, png_metadata, tiff_file
from baas_preprocess.container.formats import format_of, metadata_of
from baas_preprocess.facts import ImageFormat, Inspection, Levels
from baas_preprocess.thumbnail import thumbnail_of


def scrub(redacted: bytes, original: bytes, inspection: Inspection, levels: Levels = ()) -> bytes:
    """Return the finished file: the redacted picture, and of the original's metadata what is on the lists.

    `levels` are those of a redacted JPEG, which are read from it where they are not given.
    `redacted` is coded in the original's format; metadata that it carries itself is dropped. Scrubbing the result again
    changes nothing. Raises `NotPublishable` when either file is not of the inspected format, or its thumbnail cannot be
    made because the redacted file is damaged.
    """
    if format_of(redacted) != inspection.format or format_of(original) != inspection.format:
        raise NotPublishable(
            QuarantineReason.VERIFICATION_FAILED,
            f"The redacted file is a {format_of(redacted)} and the original a {format_of(original)};"
            f" both should be {inspection.format}.",
        )
    match inspection.format:
        case ImageFormat.JPEG:
            file = jpeg.walk(original)
            metadata = jpeg_metadata.metadata_of(original, file)
            blocks = metadata.kept(thumbnail_of(redacted, levels) if metadata.has_thumbnail else None)
            return jpeg_metadata.with_metadata(redacted, jpeg.walk(redacted), blocks, jpeg_metadata.density_of(file))
        case ImageFormat.PNG:
            kept = metadata_of(original).kept()
            return png_metadata.with_metadata(png.walk(redacted)[0], png.walk(original)[0], kept)
        case ImageFormat.TIFF:
            return tiff_file.with_metadata(redacted, metadata_of(original))


def removed(original: Inspection, finished: Inspection) -> tuple[str, ...]:
    """Name the kinds of metadata and the hidden pictures that the original had and the finished file lacks."""
    had = (*original.metadata, *original.hidden_images)
    return tuple(name for name in had if name not in finished.metadata and name not in finished.hidden_images)
