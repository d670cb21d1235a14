"""What a run leaves behind for people: finished pictures to look at, and originals to label."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from baas_crds.apart import apart, are_apart
from baas_crds.parts import Part, Rule, Whole, exactly_one, matches
from baas_crds.places import FOLDER, AzureBlob, Output, Volume

BESIDE = "-quality-check"
"""Behind the output's folder: where pictures to look at go when nothing else is said."""


class SamplePlace(Part):
    """Where the pictures of a sample go, each sample into a folder of its own."""

    RULES: ClassVar[tuple[Rule, ...]] = (exactly_one("output", "azure_blob", "volume"),)

    azure_blob: AzureBlob | None = None
    """A folder of a Blob container."""
    volume: Volume | None = None
    """A folder of a volume."""

    def below(self, name: str) -> "SamplePlace":
        """Return the folder of this name in it."""
        blob, volume = self.azure_blob, self.volume
        return SamplePlace(
            azure_blob=blob and blob.model_copy(update={"prefix": f"{blob.prefix}/{name}".lstrip("/")}),
            volume=volume and volume.model_copy(update={"path": f"{volume.path}/{name}".lstrip("/")}),
        )


class QualityCheck(Part):
    """A sample of finished pictures for people to look at."""

    sample_size: Annotated[Whole, Field(ge=1, le=10_000)]
    """How many published pictures are drawn at random when the run is complete."""
    output: SamplePlace | None = None
    """Where copies of them go, with a worklist for `baas-detector acceptance result`, into a folder that is called
    after the BlurJob. Unset: beside the output, under its folder's name with `-quality-check` behind it."""


class RetrainingSample(Part):
    """A sample of originals for people to label. It shows persons and plates as they were photographed."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches(
            "metadata",
            FOLDER,
            "metadata is the name of a file in the source such as tables/metadata.csv: no slash at its start or end, "
            "no empty, `.` or `..` part, no backslash",
            optional=True,
        ),
    )

    size: Annotated[Whole, Field(ge=1, le=100_000)]
    """How many pictures are drawn when the run is complete, by their numbers of detections and doubtful ones rather."""
    output: SamplePlace
    """Where copies of the originals go, with a worklist, into a folder that is called after the BlurJob. It must be
    chosen on purpose: whoever may read it sees people."""
    share_without_percent: Annotated[Whole, Field(ge=0, le=100)] = 20
    """Share of the sample in which nothing was found: misses live there. The rest is spread over numbers of
    detections."""
    seed: Annotated[Whole, Field(ge=0, le=2_147_483_647)] = 0
    """Another one draws others."""
    metadata: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """A CSV file in the source with the columns `image` and `district`, as `baas-detector metadata` writes it: each
    district gets what its pictures are of all. Unset: districts do not count."""


def place_of_quality_check(check: QualityCheck, output: Output) -> SamplePlace:
    """Return where a quality check's pictures go: where it says, else beside the output."""
    if check.output is not None:
        return check.output
    blob, volume = output.azure_blob, output.volume
    return SamplePlace(
        azure_blob=blob and blob.model_copy(update={"prefix": blob.prefix + BESIDE}),
        volume=volume and volume.model_copy(update={"path": volume.path + BESIDE}),
    )


def _has_a_folder(output: Output) -> bool:
    return bool((output.azure_blob and output.azure_blob.prefix) or (output.volume and output.volume.path))


def _check_is_apart(spec: Any) -> bool:
    if spec.quality_check is None:
        return True
    place = place_of_quality_check(spec.quality_check, spec.output)
    return are_apart(place, spec.source) and are_apart(place, spec.output)


def _retraining_is_apart(spec: Any) -> bool:
    if spec.retraining_sample is None:
        return True
    place, check = spec.retraining_sample.output, spec.quality_check
    others = [spec.source, spec.output, *([] if check is None else [place_of_quality_check(check, spec.output)])]
    return all(are_apart(place, other) for other in others)


_CHECK, _RETRAINING = "self.qualityCheck", "self.retrainingSample"
RULES: tuple[Rule, ...] = (
    Rule(
        cel=f"!has({_CHECK}) || has({_CHECK}.output) "
        "|| (has(self.output.azureBlob) && self.output.azureBlob.prefix != '') "
        "|| (has(self.output.volume) && self.output.volume.path != '')",
        holds=lambda spec: (
            spec.quality_check is None or spec.quality_check.output is not None or _has_a_folder(spec.output)
        ),
        sentence="qualityCheck.output is needed when output is a whole container or volume: nothing lies beside that",
        field="qualityCheck",
    ),
    Rule(
        cel=f"!has({_CHECK}) || (has({_CHECK}.output) "
        f"? ({apart(f'{_CHECK}.output', 'self.source')} && {apart(f'{_CHECK}.output', 'self.output')}) "
        f": ({apart('self.output', 'self.source', behind=BESIDE)}))",
        holds=_check_is_apart,
        sentence="the pictures of qualityCheck must go outside source and output: with the same container or claim no "
        "folder may lie within the other, or copies would be taken for originals or for what was published",
        field="qualityCheck",
    ),
    Rule(
        cel=f"!has({_RETRAINING}) || ({apart(f'{_RETRAINING}.output', 'self.source')} "
        f"&& {apart(f'{_RETRAINING}.output', 'self.output')} "
        f"&& (!has({_CHECK}) || (has({_CHECK}.output) "
        f"? ({apart(f'{_CHECK}.output', f'{_RETRAINING}.output')}) "
        f": ({apart('self.output', f'{_RETRAINING}.output', behind=BESIDE)}))))",
        holds=_retraining_is_apart,
        sentence="retrainingSample.output must lie outside source, output and the pictures of qualityCheck: with the "
        "same container or claim no folder may lie within the other, or originals would be published",
        field="retrainingSample",
    ),
    Rule(
        cel=f"!has({_RETRAINING}) || !has({_RETRAINING}.metadata) || !has(self.source.panoramaApi)",
        holds=lambda spec: (
            spec.retraining_sample is None
            or spec.retraining_sample.metadata is None
            or spec.source.panorama_api is None
        ),
        sentence="retrainingSample.metadata is a file in the source, and source.panoramaApi has none: leave it out",
        field="retrainingSample",
    ),
)
"""What a spec must keep."""
