"""Of the folder of copies a run sees what this call retrieved, and nothing else."""

from pathlib import Path

import pytest

from baas_crds.codes import QuarantineReason
from baas_crds.errors import NotPublishable
from baas_panoramas.downloading import Fate
from baas_preprocess.steps.retrieved import Copies, Retrieved, RetrievedSource
from baas_preprocess.stores.places import Entry


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    """Two pictures that were retrieved, one of which is gone since, and some that were not."""
    for name in ("here.jpg", "stray.jpg", "refused.jpg", "left-out.jpg"):
        (tmp_path / name).write_bytes(b"picture")
    (tmp_path / "districts.csv").write_text("image,district\n")
    copies = Copies(folder=tmp_path)
    copies.origin = "https://myaccount.blob.core.windows.net/panoramas"
    for done in (
        Retrieved(name="here.jpg", fate=Fate.WHOLE),
        Retrieved(name="gone.jpg", fate=Fate.DOWNLOADED),
        Retrieved(name="refused.jpg", fate=Fate.REFUSED, message="refused.jpg: it is gone"),
        Retrieved(name="left-out.jpg", fate=None),
    ):
        copies.add(done)
    return copies


def test_entries_are_what_the_origin_has(copies: Copies) -> None:
    entries = {entry.name: entry for entry in RetrievedSource(copies).entries()}
    assert set(entries) == {"here.jpg", "gone.jpg", "refused.jpg", "left-out.jpg"}
    assert entries["here.jpg"].size_bytes == len(b"picture")
    assert {name for name, entry in entries.items() if entry.problem} == {"gone.jpg", "refused.jpg"}
    assert str(entries["refused.jpg"].problem) == "refused.jpg: it is gone"
    assert entries["left-out.jpg"] == Entry(name="left-out.jpg", version="", size_bytes=0)
    kept = RetrievedSource(copies.without_left_out()).entries()
    assert {entry.name for entry in kept} == set(entries) - {"left-out.jpg"}


@pytest.mark.parametrize("name", ["stray.jpg", "refused.jpg", "left-out.jpg", "STRAY.JPG"])
def test_no_other_picture_is_read(copies: Copies, name: str) -> None:
    """An earlier call may have planned it."""
    source = RetrievedSource(copies)
    with pytest.raises(NotPublishable, match="not retrieved by this call") as refused:
        source.read(name)
    assert refused.value.reason is QuarantineReason.UNREADABLE
    assert source.read("here.jpg") == b"picture"
    assert source.read("districts.csv") == b"image,district\n"


def test_copies_of_another_place_are_another_source(copies: Copies) -> None:
    before = RetrievedSource(copies).label
    copies.origin += "/other"
    assert RetrievedSource(copies).label != before


def test_a_folder_of_which_nothing_was_retrieved_is_empty(copies: Copies) -> None:
    assert list(RetrievedSource(Copies(folder=copies.folder)).entries()) == []
