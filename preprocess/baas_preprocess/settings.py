"""What a person may set for `baas blur`: options, environment (`BAAS_…`), `baas.toml`, defaults, in this order."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from baas_crds.codes import ObjectClass
from baas_crds.errors import ConfigurationError
from baas_panoramas.viewer import AMSTERDAM, checked_viewer
from baas_preprocess.facts import DeleteSource, Method, Profile, Verification
from baas_preprocess.recipe import DEFAULT_CONFIDENCE, Recipe, second_look_percent

SETTINGS_FILE = Path("baas.toml")


def _confidence(value: object) -> object:
    """Read `0.3` (all classes) and `person=0.05,licence_plate=0.01`; leave a mapping as it is."""
    if isinstance(value, str) and "=" in value:
        pairs = (pair.split("=", 1) for pair in value.split(",") if pair.strip())
        value = {name.strip(): number.strip() for name, number in pairs}
    if isinstance(value, Mapping):
        return {**DEFAULT_CONFIDENCE, **value}
    return dict.fromkeys(ObjectClass, value)


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Every setting of `baas blur`; an unknown key in `baas.toml` is an error."""

    model_config = SettingsConfigDict(
        env_prefix="BAAS_",
        env_ignore_empty=True,
        toml_file=SETTINGS_FILE,
        frozen=True,
        extra="forbid",
        enable_decoding=False,
        use_attribute_docstrings=True,
    )

    confidence: Annotated[
        dict[ObjectClass, Annotated[float, Field(ge=0, le=1)]],
        BeforeValidator(_confidence),
        Field(validate_default=True),
    ] = dict(DEFAULT_CONFIDENCE)
    """Lowest score that is redacted, for all classes or each."""
    classes: Annotated[tuple[ObjectClass, ...], BeforeValidator(_words), Field(min_length=1)] = tuple(ObjectClass)
    """Which classes are redacted."""
    profile: Profile = Profile.DEFAULT
    """How closely the detector looks: thorough also finds who is right below or above, and takes longer."""
    method: Method = Method.FILL
    """Look of a redacted region: fill and solid leave nothing of it."""
    cells: Annotated[int, Field(ge=1, le=16)] = 6
    """For pixelate and blur: cells along a box's long side; fewer reveal less."""
    padding: Annotated[float, Field(ge=0, le=2)] = 0.1
    """Share of a box's size added on each side."""
    verification: Verification = Verification.REDETECT
    """Which finished pictures the detector looks at again."""
    sample_percent: Annotated[int, Field(ge=1, le=100)] = 5
    """Percent of the pictures that verification `sample` looks at again."""
    max_megapixels: Annotated[float, Field(gt=0, le=1000)] = 180
    """Larger pictures are quarantined."""
    include: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    """Work on matching names only."""
    exclude: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    """Leave matching names out."""
    exclude_list: Path | None = None
    """File of names to leave out."""
    source_percent: Annotated[int, Field(ge=1, le=100)] = 100
    """Work on this share of the names only, to try a model; the others stay as they are."""
    redo_model: str | None = None
    """Do only what this model made again, with the one that is served now."""
    keep_earlier: bool = False
    """Leave what the earlier service finished as it is, unchecked."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Stop after this many pictures."""
    in_flight: Annotated[int, Field(ge=1, le=64)] = 2
    """Panoramas worked on at once; each takes about 0.5 GB."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    """A picture that ended its worker this often is quarantined."""
    triton: str | None = None
    """Triton's gRPC `host:port`; without it one is started."""
    patience_seconds: Annotated[float, Field(ge=0, le=3600)] = 30
    """How long a Triton that does not answer is tried again."""
    model_repository: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("baas")) / "models")
    """What a Triton of our own serves."""
    ledger: str | None = None
    """Database URL; without it a file in DEST/.baas."""
    delete_source: DeleteSource = DeleteSource.NEVER
    """When originals are deleted."""
    audit_key: Path | None = None
    """Ed25519 key that signs audit records."""
    panorama_viewer: Annotated[str, AfterValidator(checked_viewer)] = AMSTERDAM
    """Where people look at a panorama of the API: an address with `{pano_id}` in it."""
    detections: bool = False
    """Write boxes beside each picture."""
    save_masks: Path | None = None
    """Folder for mask pictures."""
    retry_quarantined: bool = False
    """Try quarantined pictures again."""

    @model_validator(mode="after")
    def _known_ledger(self) -> Self:
        known = (self.ledger or "").startswith(("postgresql://", "sqlite:///")) or (self.ledger or "").endswith(".json")
        if self.ledger is not None and not known:
            raise ValueError("ledger must be a postgresql:// or sqlite:/// URL, or a database.json")
        return self

    @model_validator(mode="after")
    def _deletes_only_what_was_looked_at_again(self) -> Self:
        if self.delete_source is not DeleteSource.NEVER and self.verification is not Verification.REDETECT:
            raise ValueError("delete_source after-verified needs verification redetect")
        return self

    @model_validator(mode="after")
    def _deletes_after_all_were_wanted(self) -> Self:
        if self.delete_source is not DeleteSource.NEVER and self.source_percent < 100:
            raise ValueError("delete_source after-verified needs source_percent 100: a sample is a trial")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options win over the environment, the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def recipe(self) -> Recipe:
        """The part that decides the outputs' bytes."""
        return Recipe(
            confidence={name: self.confidence[name] for name in ObjectClass if name in self.classes},
            profile=self.profile,
            method=self.method,
            cells=self.cells,
            padding=self.padding,
            max_pixels=round(self.max_megapixels * 1e6),
            second_look_percent=second_look_percent(self.verification, self.sample_percent),
        )


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Join what was given on the command line with environment and file.

    Raises `ConfigurationError` naming each wrong setting, what was found and what is allowed.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        sentences = [_sentence(problem) for problem in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(sentences)) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{SETTINGS_FILE} cannot be read: {error}") from error


def _sentence(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(sorted(Settings.model_fields))
        return f"There is no setting {name!r} ({SETTINGS_FILE}). Known are {known}."
    found = "" if isinstance(problem["input"], Mapping) else f" is {problem['input']!r}"
    return f"{name}{found}: {problem['msg'].removeprefix('Value error, ')}."
