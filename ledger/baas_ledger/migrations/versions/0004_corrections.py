"""More redaction that people want in published pictures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON = sa.JSON().with_variant(JSONB, "postgresql")


def upgrade() -> None:
    """Make the two tables, empty: corrections made before were not recorded."""
    op.create_table(
        "corrections",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("object_class", sa.Text, nullable=False),
        sa.Column("x", sa.Double, nullable=False),
        sa.Column("y", sa.Double, nullable=False),
        sa.Column("width", sa.Double, nullable=False),
        sa.Column("height", sa.Double, nullable=False),
        sa.Column("padding", sa.Double, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
        sa.CheckConstraint("object_class IN ('person', 'licence_plate')", name="ck_corrections_object_class"),
        sa.CheckConstraint("x >= 0 AND x < 1 AND y >= 0 AND y < 1", name="ck_corrections_corner_is_inside"),
        sa.CheckConstraint(
            "width >= 0 AND width <= 1 AND height >= 0 AND height <= 1", name="ck_corrections_size_is_a_share"
        ),
        sa.CheckConstraint("padding >= 0", name="ck_corrections_padding_not_negative"),
    )
    op.create_index("ix_corrections_name", "corrections", ["name"])
    op.create_table(
        "unfinished_corrections",
        sa.Column("image_id", NUMBER, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("image_id", name="pk_unfinished_corrections"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_unfinished_corrections_image_id"),
    )
