"""Settings of this installation: configuration file < environment < command-line argument.

The file is TOML, `config.toml` in the user's configuration folder (`catalogdb db status` prints where);
environment variables are the same names in capitals behind `CATALOGDB_`. Unknown keys in the file are refused.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from catalogdb.errors import InputError

CONFIG_FILE_VARIABLE = "CATALOGDB_CONFIG"


class Settings(BaseModel):
    """Where the database is and how to reach it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: SecretStr | None = Field(None, description="mongodb:// URI; none: the embedded mongod.")
    database: str = Field("catalogdb", description="Name of the database.", pattern=r'^[^/\\. "$*<>:|?\x00]{1,63}$')
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("catalogdb")),
        description="Folder of the embedded mongod: its data, log, key and password.",
    )
    mongod: Path | None = Field(
        None, description="mongod binary of the embedded server; none: PATH, then the package's."
    )
    timeout_seconds: float = Field(10.0, gt=0, description="How long to look for the server before giving up.")

    @field_validator("uri")
    @classmethod
    def _is_mongodb_uri(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("must start with mongodb:// or mongodb+srv://")
        return value


def cache_folder() -> Path:
    """Where what can be made again is kept: ``CATALOGDB_CACHE_DIR``, or the user's cache folder."""
    return Path(os.environ.get("CATALOGDB_CACHE_DIR") or platformdirs.user_cache_dir("catalogdb"))


def config_file() -> Path:
    """The configuration file that is read if it exists."""
    default = Path(platformdirs.user_config_dir("catalogdb")) / "config.toml"
    return Path(os.environ.get(CONFIG_FILE_VARIABLE, default))


def load_settings(defaults: Mapping[str, Any] | None = None, **arguments: Any) -> Settings:
    """Merge defaults, file, environment and arguments (those that are not None) into validated settings.

    Raises:
        InputError: naming the file or variable and what is wrong with it; never the value of the URI.
    """
    values: dict[str, Any] = dict(defaults or {})
    path = config_file()
    if path.is_file():
        try:
            values |= tomllib.loads(path.read_text())
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: not a readable TOML file: {error}") from error
    elif CONFIG_FILE_VARIABLE in os.environ:
        raise InputError(f"{path}: no such file, though {CONFIG_FILE_VARIABLE} names it")
    for field in Settings.model_fields:
        if value := os.environ.get(f"CATALOGDB_{field.upper()}"):
            values[field] = value
    values |= {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise InputError(f"settings: {problems}", hint=f"file {path}, variables CATALOGDB_*, command line") from None
