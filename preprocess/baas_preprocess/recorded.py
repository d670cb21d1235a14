"""Pictures that a ledger knows: their corrections are noted first, then the file is replaced, then it is recorded.

Killed in between, nothing is lost: what is noted is carried out by the next correction of the picture, and by the next
run that can make it anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from baas_crds.errors import ConfigurationError
from baas_ledger import facts
from baas_ledger.corrections import (
    begin_correction,
    corrections_of,
    finish_correction,
    hold,
    interrupted,
    runs_with_output,
)
from baas_ledger.engine import reading, transaction
from baas_ledger.records import detections, named_image
from baas_ledger.tables import ImageState
from baas_preprocess.correction import Corrected, correct, newly_masked
from baas_preprocess.correction_reports import Reported
from baas_preprocess.digests import digest_of
from baas_preprocess.facts import Digest, Inspection, Method, Region
from baas_preprocess.inspection import inspect
from baas_preprocess.lasting import correction_of, region_of, wanted_of
from baas_preprocess.publish import JSON
from baas_preprocess.recipe import Recipe
from baas_preprocess.sidecar import corrected_json
from baas_preprocess.software import software
from baas_preprocess.stores.places import Destination, Provenance
from baas_preprocess.wanted import regions_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a published picture belongs."""

    destination: Destination
    ledger: Engine
    run: facts.Run


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPicture:
    """What a run has published."""

    shown: str
    """What people call it."""
    name: str
    """In the destination."""
    home: Home
    path: Path | None
    folders: tuple[Path, ...]

    @property
    def is_shared(self) -> bool:
        """Pods call a volume by another name than the folder's."""
        return self.home.run.destination not in map(str, self.folders)

    def read(self) -> bytes:
        """Return the bytes. Raises `ConfigurationError` unless they are what was published."""
        data = self._bytes()
        self._look(digest_of(data))
        return data

    def correct(self, reports: Sequence[Reported], recipe: Recipe, *, is_dry: bool) -> Corrected:
        """Redact the boxes, replace the file and record it; before that, the same for what was interrupted."""
        first = data = self._bytes()
        left = self._look(digest_of(data))
        if left is not None:
            data = self._resume(data, left, recipe, is_dry=is_dry)
        done = self._redact(data, reports, recipe, is_dry=is_dry)
        return replace(done, input_digest=digest_of(first))

    def _bytes(self) -> bytes:
        data = self.home.destination.read(self.name)
        if data is None:
            raise ConfigurationError(f"{self.shown} is not there, or cannot be read.")
        return data

    def _look(self, digest: Digest) -> facts.Corrected | None:
        """Return the correction that was interrupted. Raises `ConfigurationError` for what is not to be corrected."""
        run = self.home.run
        with reading(self.home.ledger) as connection:
            image = named_image(connection, run.id, self.name)
            left = None if image is None else interrupted(connection, image.id)
            theirs = runs_with_output(connection, run.destination, self.name, digest)
        whose = f"It is what run {theirs[0]} published: add --run {theirs[0]}." if theirs else None
        if image is None:
            raise ConfigurationError(
                f"{self.shown}: run {run.id} knows no picture {self.name!r}. "
                f"{whose or 'Name the run that published it with --run, or add --unrecorded if none did.'}"
            )
        if image.state is not ImageState.PUBLISHED:
            raise ConfigurationError(
                f"{self.shown}: for run {run.id} it is {image.state}, not published. "
                f"{whose or 'Let the run come to its end first: it publishes the picture anew or takes it away.'}"
            )
        if digest not in {image.output_digest, left and left.output_digest}:
            remedy = "Delete it and start the run again, which publishes it anew with all earlier corrections"
            if image.source_deleted_at is not None:
                remedy = "Restore what was published, since the original is deleted"
            raise ConfigurationError(
                f"{self.shown} is not what run {run.id} published: its digest is {digest}, and the ledger has "
                f"{image.output_digest}. {whose or f'{remedy}; then correct that.'}"
            )
        return left

    def _resume(self, data: bytes, left: facts.Corrected, recipe: Recipe, *, is_dry: bool) -> bytes:
        """Carry out what was noted, and return the bytes that are there then."""
        if digest_of(data) == left.output_digest:
            if not is_dry:
                self._replace(data, inspect(data, max_pixels=recipe.max_pixels), left)
            return data
        done = correct(data, [wanted_of(one) for one in left.added], recipe_of(left, recipe))
        if not is_dry:
            evidence = {**left.evidence, "software": software()}
            size = len(done.data)
            told = replace(left, output_digest=done.output_digest, output_size_bytes=size, evidence=evidence)
            self._carry_out(done, told)
        return done.data

    def _redact(self, data: bytes, reports: Sequence[Reported], recipe: Recipe, *, is_dry: bool) -> Corrected:
        done = correct(data, [report.wanted for report in reports], recipe)
        if not is_dry:
            self._carry_out(done, self._told(done, reports, recipe))
        return done

    def _told(self, done: Corrected, reports: Sequence[Reported], recipe: Recipe) -> facts.Corrected:
        """Return what is to be noted and recorded."""
        added = (
            correction_of(report.wanted, done.inspection, padding=recipe.padding, reference=report.reference)
            for report in reports
        )
        return facts.Corrected(
            earlier_digest=done.input_digest,
            output_digest=done.output_digest,
            output_size_bytes=len(done.data),
            masked_share=self._masked_share(done, recipe),
            added=tuple(added),
            evidence=evidence_of(recipe),
        )

    def _masked_share(self, done: Corrected, recipe: Recipe) -> float:
        """Return the share that is redacted by then: what was before, and what of the boxes lies beside it."""
        seen, run = done.inspection, self.home.run
        with reading(self.home.ledger) as connection:
            image = named_image(connection, run.id, self.name)
            found = [] if image is None else detections(connection, [image.id])[image.id]
            earlier = corrections_of(connection, run.destination, self.name)
        regions = (*(region_of(one, seen) for one in found), *regions_of([wanted_of(one) for one in earlier], seen))
        before = 0.0 if image is None or image.masked_share is None else image.masked_share
        return min(1.0, before + newly_masked(done, regions, recipe))

    def _carry_out(self, done: Corrected, told: facts.Corrected) -> None:
        with transaction(self.home.ledger) as connection:
            is_begun = begin_correction(connection, self.home.run, self.name, told)
        if is_begun:
            self._replace(done.data, done.found, told)

    def _replace(self, data: bytes, seen: Inspection, told: facts.Corrected) -> None:
        """Write the file, unless it stays as it is, and record it."""
        run = self.home.run
        with transaction(self.home.ledger) as connection:
            # Longer than other transactions: until it is recorded which file is there, nobody may write another one.
            image = hold(connection, run, self.name, output_digest=told.earlier_digest)
            version = image.output_version
            if told.output_digest != told.earlier_digest:
                wanted = [wanted_of(one) for one in corrections_of(connection, run.destination, self.name)]
                version = self._write(data, image, told, regions_of(wanted, seen), seen)
            finish_correction(connection, run, self.name, told, output_version=version)

    def _write(
        self,
        data: bytes,
        image: facts.ImageRecord,
        told: facts.Corrected,
        corrections: Sequence[Region],
        seen: Inspection,
    ) -> str | None:
        """Write what stands beside the picture, then the picture, and return its version."""
        destination, output = self.home.destination, Digest(told.output_digest)
        provenance = Provenance(
            model=Digest(image.model_digest or ""),
            configuration=Digest(image.config_digest or ""),
            input=Digest(image.input_digest or ""),
            output=output,
        )
        if (boxes := destination.read(self.name + JSON)) is not None:
            boxes = corrected_json(boxes, corrections, seen, output=output, masked_share=told.masked_share)
            if boxes is not None:
                destination.write(self.name + JSON, boxes, provenance)
        return destination.write(self.name, data, provenance)


def evidence_of(recipe: Recipe) -> dict[str, object]:
    """Return how boxes are redacted."""
    how = {"method": recipe.method, "cells": recipe.cells, "padding": recipe.padding}
    return {**how, "software": software()}


def recipe_of(left: facts.Corrected, recipe: Recipe) -> Recipe:
    """Return the recipe with which a correction was begun, as far as it counts for corrections."""
    asked: Mapping[str, Any] = left.evidence
    return replace(recipe, method=Method(asked["method"]), cells=asked["cells"], padding=asked["padding"])
