"""Audit records and their chains, and when an original was deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the two tables. Runs that began before have no chain until they are opened again."""
    op.create_table(
        "audit_chains",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("head", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_audit_chains"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_audit_chains_run_id"),
    )
    op.create_table(
        "audit_records",
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("image_id", NUMBER, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("signature", sa.Text),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_audit_records"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_audit_records_run_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_audit_records_image_id"),
        sa.CheckConstraint(
            "kind IN ('published', 'quarantined', 'excluded', 'reopened', 'corrected', 'source-deleted')",
            name="ck_audit_records_kind",
        ),
    )
    op.create_index("ix_audit_records_image", "audit_records", ["image_id", "number"])
    op.add_column("images", sa.Column("source_deleted_at", sa.DateTime(timezone=True)))
