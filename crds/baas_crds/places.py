"""Where panoramas come from and where they go: Blob containers, volumes, the Panorama API."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from baas_crds.parts import (
    DNS_SUBDOMAIN,
    DataKey,
    ObjectName,
    Part,
    Rule,
    Switch,
    Unique,
    Whole,
    exactly_one,
    matches,
)

HOST = "[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
PORT = ":[0-9]{1,5}"
# Plain HTTP is for emulators: a name without dots, an IPv4 address, or a Service of the cluster.
INSIDE = r"([a-z0-9-]+|([0-9]{1,3}\.){3}[0-9]{1,3}|[a-z0-9.-]+\.svc(\.[a-z0-9.-]+)?)"
# A part of a path: neither `.` nor `..`, no backslash, no control character.
PLAIN = r"[^/\\\x00-\x1f\x7f]"
SEGMENT = rf"([^/.\\\x00-\x1f\x7f]|\.[^/.\\\x00-\x1f\x7f]|\.\.{PLAIN}){PLAIN}*"
FOLDER = f"({SEGMENT}(/{SEGMENT})*)?"
NUMBER = r"-?[0-9]{1,6}(\.[0-9]{1,10})?"
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def _folder(field: str) -> Rule:
    return matches(
        field,
        FOLDER,
        f"{field} is a folder such as 2026/raw: no slash at its start or end, no empty, `.` or `..` part, no backslash",
    )


def _encrypted(field: str) -> Rule:
    return matches(
        field,
        f"https://.*|http://{INSIDE}([:/].*)?",
        "use https://; http:// is only for an emulator inside the cluster (an IP address, a name without dots, *.svc)",
    )


class SecretKey(Part):
    """One value of a Secret in the BlurJob's namespace."""

    name: ObjectName
    """The Secret's name."""
    key: DataKey = "connectionString"
    """The key within it."""


class AzureBlob(Part):
    """A folder of a Blob container."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches(
            "account_url",
            f"https?://{HOST}({PORT}(/[a-z0-9]+)?)?",
            "accountUrl is the account's Blob endpoint alone, such as https://myaccount.blob.core.windows.net: "
            "lower case, no container, no slash at its end, no SAS token or key",
        ),
        _encrypted("account_url"),
        matches(
            "container",
            "[a-z0-9](-?[a-z0-9]){2,62}",
            "container is 3 to 63 lower-case letters, digits and single hyphens, as Azure demands",
        ),
        _folder("prefix"),
    )

    account_url: Annotated[str, Field(max_length=253)]
    """The storage account's Blob endpoint, such as `https://myaccount.blob.core.windows.net`."""
    container: Annotated[str, Field(max_length=63)]
    """The container's name. It must exist."""
    prefix: Annotated[str, Field(max_length=512)] = ""
    """The folder within the container, such as `2026/raw`; a slash is put behind it. Empty: the whole container."""
    connection_string_secret: SecretKey | None = None
    """Where the account's connection string is. Unset: the pods' workload identity is used, which needs no secret.
    The connection string must be of the account at `accountUrl`, otherwise the run fails."""


class Volume(Part):
    """A folder of a PersistentVolumeClaim."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches("claim_name", DNS_SUBDOMAIN, "claimName is the name of a PersistentVolumeClaim in the same namespace"),
        _folder("path"),
    )

    claim_name: Annotated[str, Field(max_length=253)]
    """A PersistentVolumeClaim of the BlurJob's namespace. With parallelism above 1 on several nodes it must be
    ReadWriteMany (ReadOnlyMany is enough for a source)."""
    path: Annotated[str, Field(max_length=512)] = ""
    """The folder within the volume, such as `2026/raw`. Empty: the whole volume."""


class PanoramaSize(StrEnum):
    """The widths in which the Panorama API offers a picture."""

    FULL = "Full"
    MEDIUM = "Medium"
    SMALL = "Small"


class SurfaceType(StrEnum):
    """Where a panorama was taken."""

    LAND = "Land"
    WATER = "Water"


class PanoramaFilters(Part):
    """Which panoramas; each filter narrows further. The words are those of the Panorama API."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches(
            "near",
            f"{NUMBER},{NUMBER}",
            "near is longitude,latitude such as 4.8952,52.3702 (x,y in metres with srid 28992)",
            optional=True,
        ),
        Rule(
            cel="has(self.near) == has(self.radiusMeters)",
            holds=lambda part: (part.near is None) == (part.radius_meters is None),
            sentence="near and radiusMeters belong together: give both or neither",
        ),
        matches("timestamp_after", DATE, "timestampAfter is a date such as 2026-01-31", optional=True),
        matches("timestamp_before", DATE, "timestampBefore is a date such as 2026-01-31", optional=True),
        Rule(
            cel="!has(self.timestampAfter) || !has(self.timestampBefore) || self.timestampAfter < self.timestampBefore",
            holds=lambda part: (
                part.timestamp_after is None
                or part.timestamp_before is None
                or part.timestamp_after < part.timestamp_before
            ),
            sentence="timestampAfter must lie before timestampBefore, otherwise no panorama matches",
        ),
    )

    near: Annotated[str, Field(max_length=64)] | None = None
    """Middle of a circle, as `longitude,latitude`."""
    radius_meters: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Radius of that circle."""
    srid: Literal[4326, 28992] = 4326
    """Coordinate system of `near`: 4326 (degrees) or 28992 (Dutch grid, metres)."""
    timestamp_after: Annotated[str, Field(max_length=10)] | None = None
    """Taken on this day or later."""
    timestamp_before: Annotated[str, Field(max_length=10)] | None = None
    """Taken before this day."""
    tags: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=64)], ...],
        Field(max_length=32),
        Unique(),
    ] = ()
    """All of these tags, such as `mission-bi`."""
    mission_year: Annotated[Whole, Field(ge=2000, le=2100)] | None = None
    """Year of the mission."""
    mission_type: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    """Type of the mission, such as `bi` or `woz`."""
    surface_type: SurfaceType | None = None
    """Taken on land or on water."""
    limit: Annotated[Whole, Field(ge=1, le=10_000_000)] | None = None
    """At most this many panoramas."""


class PanoramaApi(Part):
    """The city's Panorama API."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        matches(
            "base_url",
            f"https?://{HOST}({PORT})?(/[A-Za-z0-9._~-]+)*",
            "baseUrl is the address of the panoramas alone, such as "
            "https://api.data.amsterdam.nl/panorama/panoramas: no query, no slash at its end",
        ),
        _encrypted("base_url"),
    )

    base_url: Annotated[str, Field(max_length=253)] = "https://api.data.amsterdam.nl/panorama/panoramas"
    """The list of panoramas."""
    size: PanoramaSize = PanoramaSize.FULL
    """Which equirectangular picture is fetched."""
    filters: PanoramaFilters = PanoramaFilters()
    """Which panoramas. Empty: all of them."""


class ConfigMapKey(Part):
    """One value of a ConfigMap in the BlurJob's namespace."""

    name: ObjectName
    """The ConfigMap's name."""
    key: DataKey = "exclude.csv"
    """The key within it."""


class ExcludeList(Part):
    """Names to leave out: whole relative paths or plain file names."""

    RULES: ClassVar[tuple[Rule, ...]] = (exactly_one("excludeList", "config_map", "names"),)

    config_map: ConfigMapKey | None = None
    """A text with one name a line, or CSV with a column `filename`. A ConfigMap holds at most 1 MiB."""
    names: (
        Annotated[
            tuple[Annotated[str, Field(min_length=1, max_length=1024)], ...],
            Field(min_length=1, max_length=1000),
            Unique(),
        ]
        | None
    ) = None
    """The names themselves."""


Globs = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=256)], ...],
    Field(max_length=100),
    Unique(),
]


class Source(Part):
    """Where panoramas come from, and which of them."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        exactly_one("source", "azure_blob", "panorama_api", "volume"),
        matches(
            "redo_model",
            "sha256:[0-9a-f]{64}",
            "redoModel is sha256: and 64 hexadecimal digits, as `baas plan --redo-model` prints it",
            optional=True,
        ),
        Rule(
            cel="!has(self.redoModel) || !has(self.onlyNew) || !self.onlyNew",
            holds=lambda source: source.redo_model is None or not source.only_new,
            sentence="source.redoModel takes pictures that are finished, source.onlyNew leaves them out: "
            "use one of them",
            field="onlyNew",
        ),
    )

    azure_blob: AzureBlob | None = None
    """A folder of a Blob container."""
    panorama_api: PanoramaApi | None = None
    """The city's Panorama API."""
    volume: Volume | None = None
    """A folder of a volume."""
    include: Globs = ()
    """Work only on names that match one of these globs, where `*` also matches slashes. Empty: all pictures."""
    exclude: Globs = ()
    """Leave out names that match one of these globs. They count as excluded."""
    exclude_list: ExcludeList | None = None
    """Leave out these names. They count as excluded."""
    sample_percent: Annotated[Whole, Field(ge=1, le=100)] = 100
    """Work on this share of the pictures only, to try a model. The name alone decides, so whoever is in 5 % is in
    10 %, too. The others are no part of the run: they do not count, and what was published of them stays."""
    redo_model: Annotated[str, Field(max_length=71)] | None = None
    """The digest of a model that was withdrawn. Only pictures whose output at this destination it made, as far as the
    ledger knows, are done again; the others are no part of the run."""
    only_new: Switch | None = None
    """Work only on pictures that are not finished: whatever BlurJob made it, a picture is finished when its output
    stands at this destination as the ledger has it (in a container by size and ETag, on a volume by size), made by the
    same model with the same settings from the file as it is now. Such pictures are no part of the run. What was
    quarantined, missed or left half done is new. Unset: false, and in a BlurSchedule true."""
    keep_earlier: Switch = False
    """Leave pictures alone that the earlier service finished and whose outputs stand at this destination, by what
    `baas earlier import` has of them. They are no part of the run, and this service checks none of them. What is left
    out is taken away all the same."""


class Output(Part):
    """Where safe panoramas go, under the names they have in the source."""

    RULES: ClassVar[tuple[Rule, ...]] = (exactly_one("output", "azure_blob", "volume"),)

    azure_blob: AzureBlob | None = None
    """A folder of a Blob container."""
    volume: Volume | None = None
    """A folder of a volume."""
    write_detections: Switch = False
    """Write the boxes beside each picture, as JSON and as YOLO text."""
