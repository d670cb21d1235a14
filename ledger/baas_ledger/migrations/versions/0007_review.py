"""What reviewers found in finished pictures, and at which they have looked."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the two tables, empty."""
    op.create_table(
        "review_marks",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("image_id", NUMBER, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("object_class", sa.Text, nullable=False),
        sa.Column("projection", sa.Text, nullable=False),
        sa.Column("x", sa.Double, nullable=False),
        sa.Column("y", sa.Double, nullable=False),
        sa.Column("width", sa.Double, nullable=False),
        sa.Column("height", sa.Double, nullable=False),
        sa.Column("picture_width_px", sa.Integer, nullable=False),
        sa.Column("picture_height_px", sa.Integer, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_marks"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_review_marks_image_id"),
        sa.CheckConstraint("kind IN ('missed', 'over_blurred')", name="ck_review_marks_kind"),
        sa.CheckConstraint("object_class IN ('person', 'licence_plate')", name="ck_review_marks_object_class"),
        sa.CheckConstraint("projection IN ('sphere', 'flat')", name="ck_review_marks_projection"),
        sa.CheckConstraint(
            "(projection = 'sphere' AND x >= -360 AND x <= 360 AND y >= -90 AND y <= 90"
            " AND width > 0 AND width <= 360 AND height > 0 AND height <= 180)"
            " OR (projection = 'flat' AND x >= 0 AND x < 1 AND y >= 0 AND y < 1"
            " AND width > 0 AND width <= 1 AND height > 0 AND height <= 1)",
            name="ck_review_marks_box_is_in_the_picture",
        ),
        sa.CheckConstraint("picture_width_px > 0 AND picture_height_px > 0", name="ck_review_marks_picture_has_size"),
    )
    op.create_index("ix_review_marks_image", "review_marks", ["image_id", "id"])
    op.create_table(
        "review_looks",
        sa.Column("image_id", NUMBER, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("image_id", name="pk_review_looks"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_review_looks_image_id"),
    )
