"""Where pictures came from and went to in the earlier service, and its database: several keys together say each."""

import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import URL

from baas_crds.errors import ConfigurationError
from baas_crds.places import AzureBlob
from baas_ledger.entra_url import AUTH, CLIENT_ID, ENTRA
from baas_preprocess.conversion.findings import Draft, Finding, carried, dropped, to_decide

Datastores = Mapping[str, AzureBlob]
"""Which folder of which container a datastore of Azure ML was."""

_PRE, _INFERENCE = "pre_inference_pipeline", "inference_pipeline"
# A key that names a datastore, and those that name a folder in it. The first that is there counts.
_SOURCES = (
    (f"{_PRE}.datastore_input", (f"{_PRE}.datastore_input_path", f"{_PRE}.execution_time")),
    (f"{_INFERENCE}.datastore_input_structured", ()),
    (f"{_INFERENCE}.inputs.datastore_path", (f"{_INFERENCE}.inputs.inference_data_rel_path",)),
    (f"{_INFERENCE}.inputs.root_folder", ()),
    (f"{_INFERENCE}.inputs.data_to_blur", ()),
    (f"{_INFERENCE}.input.data_to_blur", ()),
    ("workload_distribution_pipeline.inputs.data_folder", ()),
    (f"{_INFERENCE}.container_root", ()),
    (f"{_PRE}.input_container_root", ()),
    ("move_data_pipeline.input_container_root", ()),
    ("move_data_pipeline.inputs.container_root", ()),
    ("move_data_pipeline.container_root", ()),
)
_OUTPUTS = (
    (f"{_INFERENCE}.outputs.datastore_path", (f"{_INFERENCE}.outputs.output_rel_path",)),
    (f"{_INFERENCE}.datastore_output", (f"{_INFERENCE}.datastore_output_path",)),
    (f"{_INFERENCE}.outputs.results_path", ()),
    ("move_data_pipeline.output_container_root", ()),
    ("move_data_pipeline.outputs.container_root", ()),
)
_DATABASE = re.compile(r"(inference_pipeline\.)?database_parameters\.(db_hostname|db_username|db_name|client_id)")
# azureml://subscriptions/…/datastores/NAME/paths/FOLDER
_URI = re.compile(r"azureml://(?:.*/)?datastores/(?P<store>[^/]+)(?:/paths/(?P<path>.*))?")
DECIDE = "DECIDE"
"""What stands in the file where a value must be written. No rule accepts it."""


def datastore_of(text: str) -> tuple[str, AzureBlob]:
    """Read `NAME=https://ACCOUNT.blob.core.windows.net/CONTAINER/FOLDER`. Raises `ConfigurationError`."""
    name, _, address = text.partition("=")
    parts = urlsplit(address)
    container, _, folder = parts.path.strip("/").partition("/")
    try:
        if parts.query:
            raise ValueError("a token behind the address is none of its place")
        place = {"accountUrl": f"{parts.scheme}://{parts.netloc}", "container": container, "prefix": folder}
        return name, AzureBlob.model_validate(place)
    except ValueError:
        # The address is not repeated, nor is the error's: it may hold a token.
        raise ConfigurationError(
            f"--datastore {name}: write NAME=https://ACCOUNT.blob.core.windows.net/CONTAINER, with a folder behind it "
            "if need be, and no token"
        ) from None


def read_places(given: dict[str, Any], datastores: Datastores, draft: Draft) -> Iterator[Finding]:
    """Take the keys about places out of `given`, put source and output into the draft, and tell what became of each."""
    source = yield from _read(given, "source", _SOURCES, datastores, draft)
    output = yield from _read(given, "output", _OUTPUTS, datastores, draft, like=source)
    if source is None:
        yield to_decide("source", "the file names no datastore that pictures came from: write the source yourself")
        draft.put("source", {"azureBlob": {"accountUrl": DECIDE, "container": DECIDE}})
    if output is None:
        yield to_decide("output", "the file names no datastore that pictures went to: write the output yourself")
        draft.put("output", {"azureBlob": {"accountUrl": DECIDE, "container": DECIDE}})


def read_database(given: dict[str, Any], draft: Draft) -> Iterator[Finding]:
    """Do the same for the keys about the database."""
    keys = [key for key in given if _DATABASE.fullmatch(key)]
    said = {key.rsplit(".", 1)[-1]: given.pop(key) for key in keys}
    if not keys:
        return
    if not all(isinstance(said.get(part), str) and said[part] for part in ("db_hostname", "db_username", "db_name")):
        yield from (to_decide(key, "machine.ledger: host, user and name of a database are needed") for key in keys)
        return
    query = {AUTH: ENTRA, **({CLIENT_ID: str(said["client_id"])} if said.get("client_id") else {})}
    url = URL.create(
        "postgresql", username=said["db_username"], host=said["db_hostname"], database=said["db_name"], query=query
    ).render_as_string()
    draft.put("machine.ledger", url)
    why = "its tables may stay beside the ledger's (docs/reference/earlier-tables.md); pods have the chart's"
    yield from (carried(key, "machine.ledger", why) for key in keys)


def _read(
    given: dict[str, Any],
    section: str,
    candidates: tuple[tuple[str, tuple[str, ...]], ...],
    datastores: Datastores,
    draft: Draft,
    like: tuple[str, str] | None = None,
) -> Generator[Finding, None, tuple[str, str] | None]:
    """Give findings of one place; return its datastore and folder. An empty name means the datastore of `like`."""
    found: tuple[str, str] | None = None
    first = ""
    for store_key, path_keys in candidates:
        there = [key for key in (store_key, *path_keys) if key in given]
        values = {key: given.pop(key) for key in there}
        store, folder = _split(values.get(store_key))
        if not store and like is not None and store_key in values:
            store = like[0]
        if not store:
            yield from (dropped(key, "no datastore was named for it") for key in there)
        elif found is None:
            folder = next((path for key in path_keys if (path := _folder(values.get(key)))), folder)
            found, first = (store, folder), store_key
            yield from _placed(there, section, store, _below(section, folder, like), datastores, draft)
        else:
            is_same = store == found[0] or (store in datastores and datastores[store] == datastores.get(found[0]))
            yield from _passed_over(there, section, first, is_same=is_same)
    return found


def _passed_over(keys: list[str], section: str, first: str, *, is_same: bool) -> Iterator[Finding]:
    """Tell of keys that say again what `first` said; that they say something else is told once."""
    same = f"{first} says the same of {section}"
    for number, key in enumerate(keys):
        if is_same or number:
            yield dropped(key, same if is_same else f"{section} was taken from {first}")
        else:
            yield to_decide(
                key, f"{section} was taken from {first}, which names another place: look which one holds it"
            )


def _below(section: str, folder: str, like: tuple[str, str] | None) -> str:
    """Outputs lay in the folder that their originals had in the input."""
    return "/".join(filter(None, (folder, like[1]))) if section == "output" and like is not None else folder


def _placed(
    keys: list[str], section: str, store: str, folder: str, datastores: Datastores, draft: Draft
) -> Iterator[Finding]:
    place = datastores.get(store)
    prefix = "/".join(filter(None, (place.prefix if place else "", folder)))
    blob = {
        "accountUrl": place.account_url if place else DECIDE,
        "container": place.container if place else DECIDE,
        **({"prefix": prefix} if prefix else {}),
    }
    draft.put(f"{section}.azureBlob", blob)
    for number, key in enumerate(keys):
        if place is not None:
            yield carried(key, f"{section}.azureBlob")
        elif number == 0:
            yield to_decide(
                key,
                f"{section}.azureBlob: {store} was a datastore of Azure ML. Convert again with "
                f"--datastore {store}=https://ACCOUNT.blob.core.windows.net/CONTAINER",
            )
        else:
            yield carried(key, f"{section}.azureBlob.prefix")


def _split(value: object) -> tuple[str, str]:
    """Return datastore and folder of a name, or of an address in Azure ML."""
    text = value if isinstance(value, str) else ""
    if match := _URI.fullmatch(text):
        return match["store"], _folder(match["path"])
    return text.strip(), ""


def _folder(value: object) -> str:
    parts = str(value or "").split("/")
    return "/".join(part for part in parts if part not in {"", "."})
