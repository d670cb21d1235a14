"""`config.yml`: every setting of a training, and which of its steps run. Paths are relative to the file."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails

from baas_crds.errors import ConfigurationError
from baas_detector.card import CloserLook, Target, Thresholds
from baas_detector.categories import Attribute
from baas_detector.contract import DetectedClass
from baas_detector.training.augmentation import Augmentation, read_augmentation
from baas_detector.weights import PERSONS

_DEFAULT = Thresholds()
Share = Annotated[float, Field(ge=0, le=1)]
ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
AZURE_ML = "azureml:"
"""How `register.to` begins when it names a workspace by its config.json."""
InnerShare = Annotated[float, Field(gt=0, lt=1)]
ClassWeight = Annotated[float, Field(gt=0, le=1000)]


class Part(BaseModel):
    """Base of every piece of the file: immutable, unknown fields refused, paths told from the file's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True)

    @field_validator("*", mode="after")
    @classmethod
    def _beside_the_file(cls, value: Any, info: ValidationInfo) -> Any:
        folder = (info.context or {}).get("folder")
        return folder / value if folder is not None and isinstance(value, Path) else value


class Steps(Part):
    """Which steps run, always in this order."""

    convert: bool = False
    """Make YOLO text of a COCO file (`convert`)."""
    select: bool = False
    """Train on a part of the pictures (`select`)."""
    train: bool = True
    validate_: Annotated[bool, Field(alias="validate")] = True
    """Measure mAP per class on the pictures that were held back."""
    export: bool = False
    """Build a Triton model repository of it (`export`)."""
    evaluate: bool = False
    """Redact pictures with the repository, and measure what was missed, of whom (`evaluate`)."""
    gate: bool = False
    """Let the model pass, or end here, by a policy (`gate`)."""
    register_: Annotated[bool, Field(alias="register")] = False
    """Keep it as a numbered version (`register`)."""

    def only(self, names: Collection[str]) -> Self:
        """Return the same with all other steps switched off. Raises `ConfigurationError` when none is left on."""
        kept = {field: on and field.removesuffix("_") in names for field, on in self}
        if not any(kept.values()):
            raise ConfigurationError(f"steps: the file switches on none of {', '.join(names)}")
        return self.model_copy(update=kept)


class Data(Part):
    """The labelled pictures."""

    path: Path
    """A folder with images/train, labels/train, images/val and labels/val, or its data.yaml."""


class Conversion(Part):
    """The step `convert`: labels in COCO's JSON become the YOLO folder `data.path`, categories in the sixth column."""

    annotations: Path
    """COCO file with boxes in pixels, or Azure ML's export."""
    images: Path
    """The folder below which the pictures lie; they are linked to, not copied."""
    metadata: Path
    """CSV of `baas-detector metadata`: its column `subset` says what each picture is for."""


class Selection(Part):
    """The step `select`: which of the training pictures are used."""

    wanted: Path
    """JSON: least number of objects for each group of the bias document, `{"age:child": 500}`."""
    images: Annotated[int, Field(ge=1)] | None = None
    """Pictures to take in all; chance fills up what the groups leave. Unset: no more than the groups need."""


class ImageWeights(Part):
    """How often pictures with rare groups are shown (see docs/bias.md)."""

    by: Annotated[tuple[Attribute, ...], Field(min_length=1)] = tuple(Attribute)
    """The attributes whose values are balanced: sex, age, skin, aid, origin, colour."""
    power: Annotated[float, Field(gt=0, le=1)] = 0.5
    """1: by the inverse frequency of the rarest group on the picture; less: by that to this power."""
    most: Annotated[int, Field(ge=2, le=20)] = 4
    """No picture is shown more often than this in one epoch."""


class Training(Part):
    """The step `train`."""

    weights: str = PERSONS
    """`persons`: the default checkpoint for persons; the name of an architecture such as `yolov8n.yaml`: nothing is
    known yet; else a checkpoint (.pt) to go on from."""
    image_size_px: Annotated[int, Field(ge=32, le=4096, multiple_of=32)] = 1280
    """Longer side at the network's input."""
    epochs: Annotated[int, Field(ge=1)] = 100
    patience: Annotated[int, Field(ge=0)] = 50
    """Epochs without progress after which it ends; 0: never."""
    batch: Annotated[int, Field(ge=1)] = 16
    optimizer: Literal["auto", "SGD", "Adam", "AdamW"] = "auto"
    """`auto` chooses the learning rate, too."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    """At the beginning; needs an optimizer other than `auto`."""
    freeze: Annotated[int, Field(ge=0)] = 0
    """The first layers that stay as they are; 10 is the backbone of a YOLOv8."""
    augmentation: Path | None = None
    """JSON with Ultralytics' names, `{"mosaic": 0.5}`. Unset: Ultralytics' defaults."""
    class_weight_power: Share = 0.0
    """How much rare classes count in the loss: by their inverse frequency to this power, 0 for alike."""
    class_weights: Annotated[dict[DetectedClass, ClassWeight], Field(min_length=1)] | None = None
    """How much each class counts in the loss, instead of by its frequency; a class that is not named counts 1. Only
    their ratio matters: as with the power, their mean becomes 1, so that classes do not gain on the boxes' places."""
    image_weights: ImageWeights | None = None
    resume: bool = True
    """Go on with what an earlier start left unfinished. False: refuse to."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    deterministic: bool = True
    """The same machine, settings and data give the same weights; slower on GPUs."""
    device: Annotated[str, Field(pattern=r"^(cpu|\d+(,\d+)*)$")] = "cpu"
    """`cpu`, or numbers of GPUs: `0`, or `0,1`."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """`bf16` takes half of the memory on GPUs that have it (NVIDIA since Ampere)."""
    loader_processes: Annotated[int, Field(ge=0, le=64)] = 4
    """Processes that read pictures; on a CPU there are none."""
    tracking: Literal["mlflow", "wandb"] | None = None
    """Also tell the run's progress to this tool, whose package must be installed."""

    @model_validator(mode="after")
    def _the_rate_needs_an_optimizer(self) -> Self:
        if self.learning_rate is not None and self.optimizer == "auto":
            raise ValueError("learning_rate has no effect with optimizer auto: name SGD, Adam or AdamW")
        return self

    @model_validator(mode="after")
    def _classes_are_weighted_in_one_way(self) -> Self:
        if self.class_weights is not None and self.class_weight_power:
            raise ValueError("class_weights and class_weight_power both say how much a class counts: keep one of them")
        return self


class Export(Part):
    """The step `export`; the fields mean what the options of `baas-detector build-repository` mean."""

    output: Path | None = None
    """Folder of the repository. Unset: `models` in the run's folder."""
    target: Target = Target.CPU
    tensorrt: bool = False
    score_floor: InnerShare = _DEFAULT.score_floor
    iou: Annotated[float, Field(gt=0, le=1)] = _DEFAULT.iou
    max_det: Annotated[int, Field(ge=1, le=10_000)] = _DEFAULT.max_det
    vehicles: str | None = None
    """A checkpoint that finds vehicles, on which plates are looked for more closely: `persons`, the default one for
    persons, or a file (.pt). Unset: no closer look, as a model that was trained here knows no vehicles."""
    closer_look: CloserLook | None = _DEFAULT.closer_look
    """Its numbers; null: no closer look."""

    @field_validator("vehicles", mode="after")
    @classmethod
    def _below_the_file(cls, value: str | None, info: ValidationInfo) -> str | None:
        folder: Path | None = (info.context or {}).get("folder")
        return value if folder is None or value in {None, PERSONS} else str(folder / str(value))

    @model_validator(mode="after")
    def _a_closer_look_needs_vehicles(self) -> Self:
        if self.vehicles is None and "closer_look" in self.model_fields_set and self.closer_look is not None:
            raise ValueError(
                "closer_look has no effect without vehicles: name `persons`, or a checkpoint that knows them"
            )
        return self

    @model_validator(mode="after")
    def _vehicles_need_a_closer_look(self) -> Self:
        if self.vehicles is not None and self.closer_look is None:
            raise ValueError("vehicles has no effect with closer_look: null: leave one of them out")
        return self

    @model_validator(mode="after")
    def _tensorrt_is_for_gpus(self) -> Self:
        if self.tensorrt and self.target is not Target.GPU:
            raise ValueError("tensorrt needs target: gpu")
        return self

    @property
    def thresholds(self) -> Thresholds:
        """The numbers that become constants of the graph."""
        return Thresholds(
            score_floor=self.score_floor, iou=self.iou, max_det=self.max_det, closer_look=self.closer_look
        )


class Evaluation(Part):
    """The step `evaluate`: `baas blur` with the built repository, then `baas-detector evaluate`."""

    images: Path
    """The folder of the pictures, none of which was learned from."""
    truth: Path
    """Their labels: a COCO file with boxes in pixels and the categories of the bias document."""


class Gate(Part):
    """The step `gate`, on what `evaluate` found."""

    policy: Path
    """What a model must do (`baas-detector gate --policy`)."""
    production: Path | None = None
    """Report of the model in production, for rules on regression."""


class Registration(Part):
    """The step `register`."""

    to: str
    """A folder; or one in a container, https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER; or, in Azure ML, the
    workspace of a config.json, `azureml:azureml/config.json`."""
    name: ModelName = "person-plate"

    @field_validator("to", mode="after")
    @classmethod
    def _below_the_file(cls, value: str, info: ValidationInfo) -> str:
        folder: Path | None = (info.context or {}).get("folder")
        kind, colon, path = value.rpartition(AZURE_ML)
        return value if folder is None or "://" in value else f"{kind}{colon}{folder / path}"


class TrainingConfig(Part):
    """The whole file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    """Of the run. Its results lie in `output`/`name`."""
    output: Path = Path("runs")
    steps: Steps = Steps()
    data: Data
    convert: Conversion | None = None
    select: Selection | None = None
    train: Training = Training()
    export: Export | None = None
    evaluate: Evaluation | None = None
    gate: Gate | None = None
    register_: Annotated[Registration | None, Field(alias="register")] = None

    @model_validator(mode="after")
    def _each_step_has_its_part(self) -> Self:
        for step in ("convert", "select", "export", "evaluate", "gate", "register_"):
            if getattr(self.steps, step) and getattr(self, step) is None:
                name = step.removesuffix("_")
                raise ValueError(f"steps.{name} is true, so the file needs a part `{name}:`")
        return self

    def only(self, steps: Collection[str]) -> Self:
        """Return the same settings for these steps alone, as far as they are on. Raises as `Steps.only`."""
        return self.model_copy(update={"steps": self.steps.only(steps)})

    def at(self, *, data: Path | None, output: Path | None) -> Self:
        """Return the same settings for a machine where data and results have other places."""
        moved: dict[str, Any] = {"data": Data(path=data)} if data is not None else {}
        return self.model_copy(update=moved | ({"output": output} if output is not None else {}))

    @property
    def folder(self) -> Path:
        """Where everything of the run lies."""
        return self.output / self.name

    @property
    def repository(self) -> Path:
        """Where the step `export` builds, or would."""
        named = self.export.output if self.export is not None else None
        return named or self.folder / "models"

    def augmentation(self) -> Augmentation:
        """Read the augmentation's file. Raises `ConfigurationError` for what Ultralytics does not know."""
        return read_augmentation(self.train.augmentation) if self.train.augmentation else Augmentation()


def read_config(path: Path) -> TrainingConfig:
    """Read `config.yml`. Raises `ConfigurationError` with a sentence for each field that is wrong, one a line."""
    import yaml  # noqa: PLC0415 - only training reads YAML here

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return parse_config(document, source=str(path), folder=path.parent)


def parse_config(document: object, *, source: str, folder: Path) -> TrainingConfig:
    """Make settings of what a YAML file holds; relative paths count from `folder`."""
    try:
        return TrainingConfig.model_validate(document, context={"folder": folder})
    except ValidationError as error:
        problems = error.errors(include_url=False)
    raise ConfigurationError("\n".join(sentence_of(problem, source) for problem in problems))


def sentence_of(problem: ErrorDetails, source: str) -> str:
    """Say of one problem in which file and field it is, what was found, and what was expected."""
    field = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    where = f"{source}: {field}" if field else source
    match problem["type"]:
        case "missing":
            return f"{where} is missing"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"{where} is unknown: remove it, or correct its name"
        case "value_error":
            return f"{where}: {message}"
        case _:
            return f"{where} is {problem['input']!r}. {message}"
