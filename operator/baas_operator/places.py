"""The places that a BlurJob's pods reach: where they are mounted, and which variable brings access. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from baas_crds.blurjob import BlurJobSpec, DeleteSource
from baas_crds.places import AzureBlob, Volume
from baas_crds.samples import place_of_quality_check


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlace:
    """A folder of a container or of a volume."""

    field: str
    """Where the BlurJob names it."""
    name: str
    """Of its volume in the pod, unless a place before it has the same claim."""
    folder: str
    """Where that is mounted."""
    variable: str
    """Holds the connection string, if there is one."""
    azure_blob: AzureBlob | None
    volume: Volume | None
    is_read_only: bool = False


def places_of(spec: BlurJobSpec) -> Iterator[PodPlace]:
    """Give the source, the output, and where samples go."""
    yield PodPlace(
        field="spec.source",
        name="source",
        folder="/data/source",
        variable="BAAS_SOURCE_CONNECTION_STRING",
        azure_blob=spec.source.azure_blob,
        volume=spec.source.volume,
        is_read_only=spec.retention.delete_source is DeleteSource.NEVER,
    )
    yield PodPlace(
        field="spec.output",
        name="output",
        folder="/data/output",
        variable="BAAS_OUTPUT_CONNECTION_STRING",
        azure_blob=spec.output.azure_blob,
        volume=spec.output.volume,
    )
    if spec.quality_check is not None:
        place = place_of_quality_check(spec.quality_check, spec.output)
        yield PodPlace(
            field="spec.qualityCheck.output",
            name="quality-check",
            folder="/data/quality-check",
            variable="BAAS_QUALITY_CHECK_CONNECTION_STRING",
            azure_blob=place.azure_blob,
            volume=place.volume,
        )
    if spec.retraining_sample is not None:
        yield PodPlace(
            field="spec.retrainingSample.output",
            name="retraining-sample",
            folder="/data/retraining-sample",
            variable="BAAS_RETRAINING_SAMPLE_CONNECTION_STRING",
            azure_blob=spec.retraining_sample.output.azure_blob,
            volume=spec.retraining_sample.output.volume,
        )


def claims_of(spec: BlurJobSpec) -> dict[str, str]:
    """Return the name of the volume of each claim: one for all its places, since not every driver attaches it twice."""
    names: dict[str, str] = {}
    for place in places_of(spec):
        if place.volume:
            names.setdefault(place.volume.claim_name, place.name)
    if spec.source.volume and spec.output.volume and spec.source.volume.claim_name == spec.output.volume.claim_name:
        names[spec.source.volume.claim_name] = "images"
    return names
