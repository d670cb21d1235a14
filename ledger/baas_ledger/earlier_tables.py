"""What was imported from a database of the earlier service: which pictures it finished, and what it found in them.

Kept apart from `runs` and `images`: nothing here was made, looked at or checked by this service. The views with the
earlier service's names show both (migrations/versions/0006).
"""

from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from baas_crds.codes import ObjectClass
from baas_ledger.columns import Json, Moment, Name, Number, one_of, shares
from baas_ledger.tables import metadata


class EarlierState(StrEnum):
    """How far the earlier service came with a picture, by its own tables."""

    FINISHED = "finished"
    """It says that it processed the picture. Whether the output is safe, or there at all, nobody checked."""
    PENDING = "pending"
    """It began and recorded no end, or its end is not believed: the picture is to be done."""
    UNKNOWN = "unknown"
    """Its status is none that the earlier service wrote: the picture is to be done."""


earlier_imports = Table(
    "earlier_imports",
    metadata,
    # Made from the next three columns, so that importing the same again is the same import.
    Column("id", Name, primary_key=True),
    # What runs call the place where the earlier service's outputs stand.
    Column("destination", Text, nullable=False),
    # Which database, without user and password.
    Column("origin", Text, nullable=False),
    Column("customer", Text, nullable=False),
    # The folder of the earlier service's names that is the source of runs; empty: all of them.
    Column("below", Text, nullable=False),
    # Whether pictures that it finished and recorded no box of are to be done.
    Column("redo_without_boxes", Boolean, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("finished_at", Moment),
    # While it is not finished: up to where it came.
    Column("last_name", Name),
    # What was found so far, by the names of `earlier_rows.Found`.
    Column("counts", Json, nullable=False),
)

earlier_images = Table(
    "earlier_images",
    metadata,
    Column("id", Number, primary_key=True),
    Column("import_id", Name, ForeignKey("earlier_imports.id"), nullable=False),
    # As runs name it: below the source, with forward slashes.
    Column("name", Name, nullable=False),
    # As the earlier service named it, without line ends.
    Column("filename", Name, nullable=False),
    # Its `image_upload_date`, which has no time zone, taken as UTC; the newest that it has of this name.
    Column("uploaded_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("boxes", Integer, nullable=False),
    # In pixels, as its detections have it; not known of a picture without any.
    Column("width_px", Integer),
    Column("height_px", Integer),
    # When the import began that saw it last; what a later one does not see any more is dropped.
    Column("seen_at", Moment, nullable=False),
    UniqueConstraint("import_id", "name"),
    one_of("state", EarlierState),
    CheckConstraint("boxes >= 0", name="not_negative"),
    # By which dashboards ask.
    Index("ix_earlier_images_filename", "filename"),
)

earlier_detections = Table(
    "earlier_detections",
    metadata,
    Column("image_id", Number, ForeignKey("earlier_images.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("object_class", Text, nullable=False),
    # Older versions of the earlier service recorded none.
    Column("score", Double),
    # As in `detections`. The earlier service knew no seam: no box goes on at the left edge.
    *shares(),
    one_of("object_class", ObjectClass),
)
