"""What people write: the BlurJob. Schema, defaults, refusals and the reference page all come from these models."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from baas_crds import samples
from baas_crds.apart import are_blobs_apart, are_volumes_apart, blobs_apart, volumes_apart
from baas_crds.parts import DNS_LABEL, Part, Rule, Switch, Whole, matches
from baas_crds.places import Output, Source
from baas_crds.pods import PodTemplate
from baas_crds.status import BlurJobStatus

GROUP = "blurring.amsterdam.nl"
VERSION = "v1alpha1"
KIND = "BlurJob"
A_YEAR = 31_536_000
# A child is called after its BlurJob with at most 11 characters behind it, and no label holds more than 63.
MAX_NAME_LENGTH = 52


class Confidence(Part):
    """The lowest score at which something is redacted, in thousandths: 50 means 0.05. Lower redacts more."""

    person: Annotated[Whole, Field(ge=1, le=999)] = 50
    """For persons."""
    licence_plate: Annotated[Whole, Field(ge=1, le=999)] = 50
    """For licence plates."""

    def as_scores(self) -> dict[str, float]:
        """Return scores between 0 and 1 under the detector's class names (`person`, `licence_plate`)."""
        return {"person": self.person / 1000, "licence_plate": self.licence_plate / 1000}


class Profile(StrEnum):
    """How closely the detector looks at a picture."""

    DEFAULT = "Default"
    THOROUGH = "Thorough"


class Detector(Part):
    """Which model looks for persons and licence plates, and how sure it must be."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches(
            "triton_url",
            "grpcs?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?:[0-9]{1,5}",
            "tritonUrl is Triton's gRPC address such as grpc://triton.models.svc:8001, or grpcs:// with TLS",
            optional=True,
        ),
        matches("model", "[A-Za-z0-9_.-]+", "model is the name alone of a model in Triton, such as person_plate"),
        matches(
            "model_digest",
            "sha256:[0-9a-f]{64}",
            "modelDigest is sha256: and 64 hexadecimal digits, as `baas-detector check` prints it",
            optional=True,
        ),
    )

    triton_url: Annotated[str, Field(max_length=253)] | None = None
    """Triton's gRPC address, such as `grpc://triton.models.svc:8001` (`grpcs://` with TLS). Unset: the chart's."""
    model: Annotated[str, Field(max_length=63)] = "person_plate"
    """The model's name in Triton."""
    version: Annotated[Whole, Field(ge=1, le=2_147_483_647)] | None = None
    """The model's version. Unset: the newest one that is ready when the run is planned; the run keeps it."""
    model_digest: Annotated[str, Field(max_length=71)] | None = None
    """The one model that may be used, whatever name and version say. With another one the run does not start."""
    profile: Profile = Profile.DEFAULT
    """How closely it looks. Thorough shows it each place twice, and what lies far above and below the horizon as a
    camera would: it finds those who stand right below or above, and takes longer."""
    confidence_permille: Confidence = Confidence()
    """The lowest score at which something is redacted, in thousandths, for each class."""

    @property
    def triton_address(self) -> str | None:
        """`host:port` without the scheme, as gRPC clients want it."""
        return None if self.triton_url is None else self.triton_url.split("://", 1)[1]

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.triton_url is not None and self.triton_url.startswith("grpcs://")


class RedactionMethod(StrEnum):
    """What a redacted region looks like, and what of it is left."""

    FILL = "Fill"
    PIXELATE = "Pixelate"
    BLUR = "Blur"
    SOLID = "Solid"


class Redaction(Part):
    """How persons and licence plates are made unrecognisable."""

    method: RedactionMethod = RedactionMethod.FILL
    """The look of a redacted region. Fill carries on what lies around it, Solid is grey: nothing of the inside is left.
    Pixelate leaves one coarse colour for each cell, Blur the same under a smooth look: people can be told apart by
    them."""
    cells: Annotated[Whole, Field(ge=1, le=16)] = 6
    """For Pixelate and Blur: at most this many cells along a box's long side, whatever its size. Fewer reveal less."""
    padding_percent: Annotated[Whole, Field(ge=0, le=200)] = 10
    """Added on each side of a box, in percent of its width and height."""

    @property
    def padding_share(self) -> float:
        """`padding_percent` as a share: 0.1 for 10."""
        return self.padding_percent / 100


class VerificationMode(StrEnum):
    """Which finished pictures the detector looks at again before they are published."""

    REDETECT = "Redetect"
    SAMPLE = "Sample"
    OFF = "Off"


class Verification(Part):
    """The second look at finished pictures. The checks of the file itself are always done."""

    mode: VerificationMode = VerificationMode.REDETECT
    """Redetect: every picture. Sample: some. Off: none. What a second look finds is redacted, or the picture is
    quarantined."""
    sample_percent: Annotated[Whole, Field(ge=1, le=100)] = 5
    """How many pictures get the second look in mode Sample; the other modes ignore it."""


class DeleteSource(StrEnum):
    """When originals are deleted."""

    NEVER = "Never"
    AFTER_VERIFIED = "AfterVerified"


class Retention(Part):
    """What happens to originals."""

    delete_source: DeleteSource = DeleteSource.NEVER
    """AfterVerified: an original is deleted once its output was read back and passed the second look. Originals of
    quarantined and excluded pictures stay."""


_DELETES = "self.retention.deleteSource == 'AfterVerified'"


class BlurJobSpec(Part):
    """What is to be done."""

    CHANGEABLE: ClassVar[frozenset[str]] = frozenset(
        {"parallelism", "suspend", "max_quarantined_percent", "active_deadline_seconds", "ttl_seconds_after_finished"}
    )
    """Everything else is fixed when the BlurJob is created: it decides the outputs, or pods that exist already."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=blobs_apart("self.source", "self.output"),
            holds=lambda spec: are_blobs_apart(spec.source, spec.output),
            sentence="output must lie outside source: with the same account and container neither prefix may lie "
            "within the other, or outputs would be blurred again and originals overwritten",
            field="output",
        ),
        Rule(
            cel=volumes_apart("self.source", "self.output"),
            holds=lambda spec: are_volumes_apart(spec.source, spec.output),
            sentence="output must lie outside source: with the same claim neither path may lie within the other, "
            "or outputs would be blurred again and originals overwritten",
            field="output",
        ),
        Rule(
            cel=f"!({_DELETES}) || self.verification.mode == 'Redetect'",
            holds=lambda spec: (
                spec.retention.delete_source is not DeleteSource.AFTER_VERIFIED
                or spec.verification.mode is VerificationMode.REDETECT
            ),
            sentence="retention.deleteSource AfterVerified needs verification.mode Redetect: "
            "an original is deleted only after its output passed the second look",
            field="retention",
        ),
        Rule(
            cel=f"!({_DELETES}) || !has(self.source.panoramaApi)",
            holds=lambda spec: (
                spec.retention.delete_source is not DeleteSource.AFTER_VERIFIED or spec.source.panorama_api is None
            ),
            sentence="retention.deleteSource AfterVerified is not possible with source.panoramaApi, "
            "which cannot delete: use Never",
            field="retention",
        ),
        Rule(
            cel=f"!({_DELETES}) || self.source.samplePercent == 100",
            holds=lambda spec: (
                spec.retention.delete_source is not DeleteSource.AFTER_VERIFIED or spec.source.sample_percent == 100
            ),
            sentence="retention.deleteSource AfterVerified is not possible with source.samplePercent below 100: "
            "a sample is a trial, and the run after it needs all originals",
            field="retention",
        ),
        Rule(
            cel=f"!({_DELETES}) || !has(self.source.onlyNew) || !self.source.onlyNew",
            holds=lambda spec: (
                spec.retention.delete_source is not DeleteSource.AFTER_VERIFIED or not spec.source.only_new
            ),
            sentence="retention.deleteSource AfterVerified is not possible with source.onlyNew: originals of what is "
            "finished would stay. Leave onlyNew out: what is deleted is not done again",
            field="retention",
        ),
        Rule(
            cel="!has(self.source.redoModel) || !has(self.detector.modelDigest) "
            "|| self.source.redoModel != self.detector.modelDigest",
            holds=lambda spec: spec.source.redo_model is None or spec.source.redo_model != spec.detector.model_digest,
            sentence="source.redoModel must be another model than detector.modelDigest: "
            "what a withdrawn model made is done again by another one",
            field="source",
        ),
        *samples.RULES,
        matches("queue_name", DNS_LABEL, "queueName is the name of a Kueue LocalQueue in the namespace", optional=True),
    )

    source: Source
    """Where panoramas come from, and which of them. Exactly one place."""
    output: Output
    """Where safe panoramas go. Exactly one place, outside the source."""
    detector: Detector = Detector()
    """Which model looks for persons and licence plates, and how sure it must be."""
    redaction: Redaction = Redaction()
    """How persons and licence plates are made unrecognisable."""
    verification: Verification = Verification()
    """The second look at finished pictures."""
    quality_check: samples.QualityCheck | None = None
    """A sample of finished pictures for people to look at. Unset: none is drawn."""
    retraining_sample: samples.RetrainingSample | None = None
    """A sample of originals for people to label, for the next training. Unset: none is drawn."""
    retention: Retention = Retention()
    """What happens to originals."""
    parallelism: Annotated[Whole, Field(ge=1, le=1000)] = 1
    """How many worker pods work at once; `kubectl scale` sets it too. To pause, use `suspend`."""
    images_per_claim: Annotated[Whole, Field(ge=1, le=1000)] = 10
    """How many images a worker takes from the ledger at once. More spares the database, fewer share the rest of a
    run more evenly."""
    images_in_flight: Annotated[Whole, Field(ge=1, le=64)] = 2
    """How many images a worker treats at once. Each needs about 0.5 GB of memory."""
    max_attempts_per_image: Annotated[Whole, Field(ge=1, le=100)] = 5
    """An image that was begun this often without a result is quarantined as TooManyAttempts."""
    max_quarantined_percent: Annotated[Whole, Field(ge=0, le=100)] = 1
    """Share of images that may stay unpublished. Above it the run ends as `Failed/TooManyQuarantined`; with 0 a single
    quarantined image fails it. Quarantined images stay unpublished either way."""
    active_deadline_seconds: Annotated[Whole, Field(ge=1, le=A_YEAR)] | None = None
    """The run fails after this time, counted from its start, pauses left out. What was published stays. Unset: no
    deadline."""
    ttl_seconds_after_finished: Annotated[Whole, Field(ge=0, le=A_YEAR)] | None = None
    """The BlurJob is deleted this long after it ended; ledger and outputs stay. Unset: it is kept."""
    suspend: Switch = False
    """Pause: workers finish what they are at, give back their claims and go. Set it to false to go on."""
    queue_name: Annotated[str, Field(max_length=63)] | None = None
    """The Kueue LocalQueue that admits the pods. Unset: no queue."""
    pod_template: PodTemplate = PodTemplate()
    """What differs from the chart's pods."""

    @property
    def has_closing_work(self) -> bool:
        """Whether workers have something left to do once every image has its fate."""
        deletes = self.retention.delete_source is not DeleteSource.NEVER
        return deletes or self.quality_check is not None or self.retraining_sample is not None


class Metadata(Part):
    """The part of an object's metadata that the BlurJob has rules for. Other fields are left alone."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(max_length=253)]
    """The BlurJob's name."""
    namespace: Annotated[str, Field(max_length=63)] | None = None
    """Where it lives, with its Secrets, ConfigMaps and claims."""


class BlurJob(Part):
    """Makes the panoramas of a source safe to publish: persons and licence plates are redacted, or the image stays."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"self.metadata.name.size() <= {MAX_NAME_LENGTH}",
            holds=lambda job: len(job.metadata.name) <= MAX_NAME_LENGTH,
            sentence=f"metadata.name may have at most {MAX_NAME_LENGTH} characters, so that its pods' names fit",
        ),
        Rule(
            cel="!self.metadata.name.contains('.')",
            holds=lambda job: "." not in job.metadata.name,
            sentence="metadata.name may not contain dots, because its pods' host names cannot",
        ),
    )

    api_version: Literal["blurring.amsterdam.nl/v1alpha1"] = "blurring.amsterdam.nl/v1alpha1"
    kind: Literal["BlurJob"] = "BlurJob"
    metadata: Metadata
    spec: BlurJobSpec
    """What is to be done."""
    status: BlurJobStatus | None = None
    """What has happened so far. Written by the operator."""
