"""Reads `database.json`, the earlier service's way of naming its database in Azure and the identity that may enter."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import URL

from baas_crds.errors import ConfigurationError
from baas_ledger.entra_url import AUTH, CLIENT_ID, ENTRA

SUFFIX = ".json"

_Text = Annotated[str, Field(min_length=1)]


class _Database(BaseModel):
    """The file's keys, as the earlier service had them (examples/database.example.json)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hostname: _Text
    port: Annotated[int, Field(ge=1, le=65535)] = 5432
    username: _Text
    database_name: _Text
    client_id: _Text | None = None


def read_database_file(path: Path) -> URL:
    """Return the URL that a file stands for: PostgreSQL, entered by the identity with the file's `client_id`.

    Raises `ConfigurationError` that names the file and what is wrong in it.
    """
    try:
        found = _Database.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, it['loc'])) or 'the file'}: {it['msg']}" for it in error.errors())
        raise ConfigurationError(
            f"{path} names no database ({'; '.join(problems)}): it has hostname, username, database_name and "
            "client_id, as in examples/database.example.json."
        ) from None
    return URL.create(
        "postgresql",
        username=found.username,
        host=found.hostname,
        port=found.port,
        database=found.database_name,
        query={AUTH: ENTRA, **({CLIENT_ID: found.client_id} if found.client_id else {})},
    )
