"""The ledger's tables and the rules that the database itself keeps.

Partial indexes hold only the rows that a query looks for, so that claiming stays as fast at a million published images
as at none. A change here needs a migration beside it; a test compares the two.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from baas_crds.codes import ObjectClass
from baas_ledger.chain import RecordKind
from baas_ledger.columns import Json, Moment, Name, Number, one_of, partial, shares


class RunState(StrEnum):
    """How far a run is."""

    CREATED = "created"
    """Opened, for the first time or again; planning has not come to its end."""
    PLANNED = "planned"
    """Every image of the source is in the ledger, and what is left out was taken away."""
    FINISHED = "finished"
    """Planned, and no image was pending or leased."""
    ABANDONED = "abandoned"
    """What it was for is gone; images without a fate stay without one."""


class ImageState(StrEnum):
    """The fate of an image: it is in exactly one of these."""

    PENDING = "pending"
    """Waits for a worker."""
    LEASED = "leased"
    """A worker has it until `lease_until`, longer if it renews; then it is free again."""
    PUBLISHED = "published"
    """A safe picture is at the destination."""
    QUARANTINED = "quarantined"
    """It could not be made safe, so nothing was published; `reason` and `message` say why."""
    EXCLUDED = "excluded"
    """Left out on request; `message` says on whose."""


class MarkKind(StrEnum):
    """What is wrong at a place that a reviewer marked in a finished picture."""

    MISSED = "missed"
    """A person or plate can be recognised."""
    OVER_BLURRED = "over_blurred"
    """Something was redacted that is neither."""


class Projection(StrEnum):
    """What the numbers of a mark mean."""

    SPHERE = "sphere"
    """Degrees: yaw and pitch of the middle, and how wide and high it is."""
    FLAT = "flat"
    """Shares (0..1) of the picture as viewers show it: the upper left corner, width and height."""


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

runs = Table(
    "runs",
    metadata,
    # Made from the next four columns, so that the same work is the same run; or given.
    Column("id", Name, primary_key=True),
    Column("source", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("model_digest", Text, nullable=False),
    Column("config_digest", Text, nullable=False),
    Column("configuration", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("planned_at", Moment),
    Column("finished_at", Moment),
    one_of("state", RunState),
    CheckConstraint("state <> 'finished' OR finished_at IS NOT NULL", name="finished_has_time"),
    Index("ix_runs_destination", "destination", "opened_at"),
)

images = Table(
    "images",
    metadata,
    Column("id", Number, primary_key=True),
    Column("run_id", Name, ForeignKey("runs.id"), nullable=False),
    # Path relative to the source with forward slashes; also the output's name. Any UTF-8 text, newlines included.
    Column("name", Name, nullable=False),
    # Whatever tells a changed file from an unchanged one: size and time, or an ETag. Only ever compared.
    Column("source_version", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    # Leases given so far; counted when a lease begins, so that an image that kills its worker is counted too.
    Column("attempts", Integer, nullable=False),
    # Grows with every lease: a write under an older token comes from a worker that lost the image.
    Column("token", BigInteger, nullable=False),
    Column("worker", Text),
    Column("lease_until", Moment),
    Column("input_digest", Text),
    Column("output_digest", Text),
    Column("output_size_bytes", BigInteger),
    # The store's own version of the output, such as an ETag.
    Column("output_version", Text),
    Column("model_digest", Text),
    Column("config_digest", Text),
    Column("reason", Text),
    Column("message", Text),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("masked_share", Double),
    Column("persons", Integer),
    Column("licence_plates", Integer),
    # How often the finished picture was looked at again, how many of its objects only that found, and how many the
    # detector still saw under the mask at last.
    Column("second_looks", Integer),
    Column("found_later", Integer),
    Column("residuals", Integer),
    # Seconds per step.
    Column("timings", Json),
    Column("finished_at", Moment),
    # Set when the original is gone on purpose, after the output was read back.
    Column("source_deleted_at", Moment),
    # Also gives the pages of a run's images, sorted by name.
    UniqueConstraint("run_id", "name"),
    one_of("state", ImageState),
    CheckConstraint("(state = 'leased') = (lease_until IS NOT NULL)", name="lease_has_end"),
    CheckConstraint("(state = 'quarantined') = (reason IS NOT NULL)", name="quarantine_has_reason"),
    CheckConstraint("state NOT IN ('quarantined', 'excluded') OR message IS NOT NULL", name="unpublished_has_message"),
    CheckConstraint(
        "(state = 'published') = (output_digest IS NOT NULL AND output_size_bytes IS NOT NULL"
        " AND input_digest IS NOT NULL AND model_digest IS NOT NULL AND config_digest IS NOT NULL"
        " AND persons IS NOT NULL AND licence_plates IS NOT NULL)",
        name="published_has_evidence",
    ),
    CheckConstraint("(state IN ('published', 'quarantined')) = (finished_at IS NOT NULL)", name="finished_has_time"),
    CheckConstraint("attempts >= 0 AND token >= attempts AND size_bytes >= 0", name="not_negative"),
    # `claim` takes the first of these. None has a lease: the order is that of the ids, but one that only this index
    # gives. The primary key gives the ids' own, and PostgreSQL would walk over all that is done to find what waits, as
    # long as it last counted when much did.
    partial("ix_images_pending", "run_id", "lease_until", "id", where="state = 'pending'"),
    # Before that it returns the first of these;
    partial("ix_images_leased", "run_id", "lease_until", where="state = 'leased'"),
    # people look at and retry these;
    partial("ix_images_quarantined", "run_id", "name", where="state = 'quarantined'"),
    # and the last of these tell the speed.
    partial("ix_images_finished", "run_id", "finished_at", where="finished_at IS NOT NULL"),
)

NO_OUTCOME: dict[str, None] = dict.fromkeys(
    (
        "lease_until",
        "input_digest",
        "output_digest",
        "output_size_bytes",
        "output_version",
        "model_digest",
        "config_digest",
        "reason",
        "message",
        "width_px",
        "height_px",
        "masked_share",
        "persons",
        "licence_plates",
        "second_looks",
        "found_later",
        "residuals",
        "timings",
        "finished_at",
        "source_deleted_at",
    )
)
"""What an image without a fate has in the columns that tell its fate."""

detections = Table(
    "detections",
    metadata,
    Column("image_id", Number, ForeignKey("images.id"), primary_key=True),
    # 0, 1, 2 … within the image: writing an image's detections twice is an error, not a second set.
    Column("number", Integer, primary_key=True),
    # The claim under which they were found.
    Column("token", BigInteger, nullable=False),
    Column("object_class", Text, nullable=False),
    Column("score", Double, nullable=False),
    # Shares of the stored picture's width and height; x and y are the upper left corner. An object across the seam of
    # a 360° panorama has x + width > 1 and goes on at the left edge.
    *shares(),
    # How many boxes of the detector this object unites.
    Column("joined", Integer, nullable=False),
    one_of("object_class", ObjectClass),
)

events = Table(
    "events",
    metadata,
    Column("id", Number, primary_key=True),
    Column("run_id", Name, ForeignKey("runs.id"), nullable=False),
    Column("image_id", Number, ForeignKey("images.id")),
    Column("kind", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("data", Json, nullable=False),
    Index("ix_events_run", "run_id", "id"),
    partial("ix_events_image", "image_id", "id", where="image_id IS NOT NULL"),
)

audit_chains = Table(
    "audit_chains",
    metadata,
    Column("run_id", Name, ForeignKey("runs.id"), primary_key=True),
    # How many records there are, and the digest of the last. Locked by whoever adds one.
    Column("length", BigInteger, nullable=False),
    Column("head", Text, nullable=False),
)

audit_records = Table(
    "audit_records",
    metadata,
    Column("run_id", Name, ForeignKey("runs.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("image_id", Number, ForeignKey("images.id"), nullable=False),
    Column("kind", Text, nullable=False),
    # The JSON text that `digest` was made of, byte by byte: no database may write it another way.
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("signature", Text),
    one_of("kind", RecordKind),
    Index("ix_audit_records_image", "image_id", "number"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Number, primary_key=True),
    # Whoever publishes this name there redacts these boxes, too, whichever run it is for.
    Column("destination", Text, nullable=False),
    Column("name", Name, nullable=False),
    Column("object_class", Text, nullable=False),
    # As in `detections`, but of the picture as viewers show it, turned by its Exif orientation: that outlives a source
    # that was turned.
    *shares(),
    # At least this share of the box's size is redacted around it.
    Column("padding", Double, nullable=False),
    # The reporter's own word for it, such as the number of a case; empty when there is none.
    Column("reference", Text, nullable=False),
    Column("at", Moment, nullable=False),
    one_of("object_class", ObjectClass),
    CheckConstraint("padding >= 0", name="padding_not_negative"),
    # Together with the destination it could be too long for an index of PostgreSQL's.
    Index("ix_corrections_name", "name"),
)

unfinished_corrections = Table(
    "unfinished_corrections",
    metadata,
    # Its file may be replaced at any moment, or was just now.
    Column("image_id", Number, ForeignKey("images.id"), primary_key=True),
    # What the audit record will say then.
    Column("facts", Json, nullable=False),
)

run_counts = Table(
    "run_counts",
    metadata,
    Column("run_id", Name, ForeignKey("runs.id"), primary_key=True),
    Column("state", Text, primary_key=True),
    # The reason of quarantine; empty for the other states.
    Column("reason", Text, primary_key=True),
    # Each transaction adds to one of several rows, so that workers do not queue for one; their sum is the truth, a
    # single row may be below zero.
    Column("shard", SmallInteger, primary_key=True),
    Column("images", BigInteger, nullable=False),
    Column("persons", BigInteger, nullable=False),
    Column("licence_plates", BigInteger, nullable=False),
    one_of("state", ImageState),
)

review_marks = Table(
    "review_marks",
    metadata,
    Column("id", Number, primary_key=True),
    Column("image_id", Number, ForeignKey("images.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("object_class", Text, nullable=False),
    Column("projection", Text, nullable=False),
    *(Column(name, Double, nullable=False) for name in ("x", "y", "width", "height")),
    # Of the picture that was marked, as viewers show it.
    Column("picture_width_px", Integer, nullable=False),
    Column("picture_height_px", Integer, nullable=False),
    # A pseudonym, or empty; never a name.
    Column("reviewer", Text, nullable=False),
    Column("at", Moment, nullable=False),
    one_of("kind", MarkKind),
    one_of("object_class", ObjectClass),
    one_of("projection", Projection),
    CheckConstraint(
        "(projection = 'sphere' AND x >= -360 AND x <= 360 AND y >= -90 AND y <= 90"
        " AND width > 0 AND width <= 360 AND height > 0 AND height <= 180)"
        " OR (projection = 'flat' AND x >= 0 AND x < 1 AND y >= 0 AND y < 1"
        " AND width > 0 AND width <= 1 AND height > 0 AND height <= 1)",
        name="box_is_in_the_picture",
    ),
    CheckConstraint("picture_width_px > 0 AND picture_height_px > 0", name="picture_has_size"),
    Index("ix_review_marks_image", "image_id", "id"),
)

review_looks = Table(
    "review_looks",
    metadata,
    # A reviewer has looked at all of it.
    Column("image_id", Number, ForeignKey("images.id"), primary_key=True),
    Column("reviewer", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
