"""Pictures that no ledger knows: they are corrected, and nothing is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from baas_crds.errors import ConfigurationError
from baas_preprocess.correction import Corrected, correct
from baas_preprocess.correction_reports import Reported
from baas_preprocess.facts import Digest
from baas_preprocess.recipe import Recipe
from baas_preprocess.stores.files import read_plain_file
from baas_preprocess.stores.folder import FolderDestination
from baas_preprocess.stores.places import Provenance

BY_HAND = Digest("by hand")
"""Stands where other pictures name the model that found their regions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoosePicture:
    """A file."""

    shown: str
    """Its path as it was given."""
    path: Path
    """The same, absolute and behind all links."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """Destinations that it is in, the nearest first. Without any, its own folder."""
        return destinations_of(self.path) or (self.path.parent,)

    @property
    def is_shared(self) -> bool:
        """Pods record what they write."""
        return False

    def read(self) -> bytes:
        """Return the file's bytes. Raises `ConfigurationError`, and `NotPublishable` for what is no file."""
        try:
            return read_plain_file(self.path)
        except OSError as error:
            raise ConfigurationError(f"{self.shown} cannot be read: {error.strerror}.") from error

    def correct(self, reports: Sequence[Reported], recipe: Recipe, *, is_dry: bool) -> Corrected:
        """Redact the boxes and replace the file."""
        done = correct(self.read(), [report.wanted for report in reports], recipe)
        if done.is_changed and not is_dry:
            destination = FolderDestination(self.folders[0])
            provenance = Provenance(
                model=BY_HAND, configuration=recipe.digest, input=done.input_digest, output=done.output_digest
            )
            destination.write(self.path.relative_to(destination.folder).as_posix(), done.data, provenance)
        return done


def destinations_of(path: Path) -> tuple[Path, ...]:
    """Return the folders above a file that keep a state, the nearest first."""
    return tuple(parent for parent in path.parents if FolderDestination.state_of(parent).is_dir())
