"""The first ledger: runs, images, detections, events, counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
JSON = sa.JSON().with_variant(JSONB, "postgresql")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)

IMAGE_STATES = "state IN ('pending', 'leased', 'published', 'quarantined', 'excluded')"


def upgrade() -> None:
    """Create every table."""
    _runs()
    _images()
    _detections()
    _events()
    _run_counts()


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", NAME, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("model_digest", sa.Text, nullable=False),
        sa.Column("config_digest", sa.Text, nullable=False),
        sa.Column("configuration", JSON, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("planned_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.CheckConstraint("state IN ('created', 'planned', 'finished', 'abandoned')", name="ck_runs_state"),
        sa.CheckConstraint("state <> 'finished' OR finished_at IS NOT NULL", name="ck_runs_finished_has_time"),
    )
    op.create_index("ix_runs_destination", "runs", ["destination", "opened_at"])


def _images() -> None:
    op.create_table(
        "images",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("source_version", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("lease_until", MOMENT),
        sa.Column("input_digest", sa.Text),
        sa.Column("output_digest", sa.Text),
        sa.Column("output_size_bytes", sa.BigInteger),
        sa.Column("output_version", sa.Text),
        sa.Column("model_digest", sa.Text),
        sa.Column("config_digest", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("message", sa.Text),
        sa.Column("width_px", sa.Integer),
        sa.Column("height_px", sa.Integer),
        sa.Column("masked_share", sa.Double),
        sa.Column("persons", sa.Integer),
        sa.Column("licence_plates", sa.Integer),
        sa.Column("timings", JSON),
        sa.Column("finished_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_images_run_id"),
        sa.UniqueConstraint("run_id", "name", name="uq_images_run_id_name"),
        sa.CheckConstraint(IMAGE_STATES, name="ck_images_state"),
        sa.CheckConstraint("(state = 'leased') = (lease_until IS NOT NULL)", name="ck_images_lease_has_end"),
        sa.CheckConstraint("(state = 'quarantined') = (reason IS NOT NULL)", name="ck_images_quarantine_has_reason"),
        sa.CheckConstraint(
            "state NOT IN ('quarantined', 'excluded') OR message IS NOT NULL",
            name="ck_images_unpublished_has_message",
        ),
        sa.CheckConstraint(
            "(state = 'published') = (output_digest IS NOT NULL AND output_size_bytes IS NOT NULL"
            " AND input_digest IS NOT NULL AND model_digest IS NOT NULL AND config_digest IS NOT NULL"
            " AND persons IS NOT NULL AND licence_plates IS NOT NULL)",
            name="ck_images_published_has_evidence",
        ),
        sa.CheckConstraint(
            "(state IN ('published', 'quarantined')) = (finished_at IS NOT NULL)", name="ck_images_finished_has_time"
        ),
        sa.CheckConstraint("attempts >= 0 AND token >= attempts AND size_bytes >= 0", name="ck_images_not_negative"),
    )
    _partial_index("ix_images_pending", "images", "run_id", "id", where="state = 'pending'")
    _partial_index("ix_images_leased", "images", "run_id", "lease_until", where="state = 'leased'")
    _partial_index("ix_images_quarantined", "images", "run_id", "name", where="state = 'quarantined'")
    _partial_index("ix_images_finished", "images", "run_id", "finished_at", where="finished_at IS NOT NULL")


def _detections() -> None:
    op.create_table(
        "detections",
        sa.Column("image_id", NUMBER, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("object_class", sa.Text, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("x", sa.Double, nullable=False),
        sa.Column("y", sa.Double, nullable=False),
        sa.Column("width", sa.Double, nullable=False),
        sa.Column("height", sa.Double, nullable=False),
        sa.Column("joined", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "number", name="pk_detections"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_detections_image_id"),
        sa.CheckConstraint("object_class IN ('person', 'licence_plate')", name="ck_detections_object_class"),
        sa.CheckConstraint("x >= 0 AND x < 1 AND y >= 0 AND y < 1", name="ck_detections_corner_is_inside"),
        sa.CheckConstraint(
            "width >= 0 AND width <= 1 AND height >= 0 AND height <= 1", name="ck_detections_size_is_a_share"
        ),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("image_id", NUMBER),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_events_run_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_events_image_id"),
    )
    op.create_index("ix_events_run", "events", ["run_id", "id"])
    _partial_index("ix_events_image", "events", "image_id", "id", where="image_id IS NOT NULL")


def _run_counts() -> None:
    op.create_table(
        "run_counts",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("images", sa.BigInteger, nullable=False),
        sa.Column("persons", sa.BigInteger, nullable=False),
        sa.Column("licence_plates", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "state", "reason", "shard", name="pk_run_counts"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_counts_run_id"),
        sa.CheckConstraint(IMAGE_STATES, name="ck_run_counts_state"),
    )


def _partial_index(name: str, table: str, *columns: str, where: str) -> None:
    op.create_index(name, table, list(columns), postgresql_where=sa.text(where), sqlite_where=sa.text(where))
