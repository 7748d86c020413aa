"""Settings of this installation: configuration file < environment < command-line argument.

The file is TOML, `config.toml` in the user's configuration folder (`catalogdb db status` prints where);
environment variables are the same names in capitals behind `CATALOGDB_`. Unknown keys in the file are refused.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from catalogdb.errors import InputError
from catalogdb.mongo_uri import has_password, options_of, problem_of, user_of, with_options, with_password
from catalogdb.strict_model import StrictModel

CONFIG_FILE_VARIABLE = "CATALOGDB_CONFIG"


class Settings(StrictModel):
    """Where the database is and how to reach it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    uri: SecretStr | None = Field(None, description="mongodb:// URI; none: the embedded mongod.")
    password_file: Path | None = Field(
        None, description="File with the password of the user that the URI names; the URI then holds none."
    )
    tls_ca_file: Path | None = Field(
        None, description="Certificates of the authorities to trust, PEM; it turns TLS on (URI: tlsCAFile)."
    )
    tls_certificate_key_file: Path | None = Field(
        None, description="Certificate and key of this client, PEM; it turns TLS on (URI: tlsCertificateKeyFile)."
    )
    database: str = Field("catalogdb", description="Name of the database.", pattern=r'^[^/\\. "$*<>:|?\x00]{1,63}$')
    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("catalogdb")),
        description="Folder of the embedded mongod: its data, log, key and password.",
    )
    mongod: Path | None = Field(
        None, description="mongod binary of the embedded server; none: PATH, then the package's."
    )
    timeout_seconds: float = Field(10.0, gt=0, description="How long to look for the server before giving up.")
    failover_seconds: float = Field(
        30.0, gt=0, description="How long to wait in the middle of work for the next primary of a URI's replica set."
    )
    lease_seconds: float = Field(
        60.0, ge=1, description="How long a task is its worker's without a heartbeat; then another may take it."
    )
    log: Literal["json", "text"] | None = Field(
        None, description="Write a line to standard error for each task and run, in this form."
    )
    task_attempts: int = Field(
        3, ge=1, description="A task that took its worker process down so often in a row is quarantined."
    )

    @field_validator("uri")
    @classmethod
    def _is_mongodb_uri(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (problem := problem_of(value.get_secret_value())):
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        of_a_uri = ("password_file", "tls_ca_file", "tls_certificate_key_file")
        given = [name for name in of_a_uri if getattr(self, name) is not None]
        if given and self.uri is None:
            raise ValueError(f"{given[0]} is for the server of a URI, and none is set")
        if self.password_file is not None and self.uri is not None:
            uri = self.uri.get_secret_value()
            if not user_of(uri):
                raise ValueError("password_file: the URI names no user: mongodb://USER@HOST/?authSource=DATABASE")
            if has_password(uri):
                raise ValueError("password_file: the URI has a password already; leave one of them out")
        return self

    def full_uri(self) -> str:
        """The URI, which must be set, with what the files say added: password, TLS. Never to be printed or logged.

        Raises:
            InputError: for a file that can't be read, or an option that the driver would pass over with a warning: a
                connection without the TLS that was asked for.
        """
        if self.uri is None:
            raise ValueError("no URI is set")
        uri = self.uri.get_secret_value()
        if self.password_file is not None:
            uri = with_password(uri, read_secret(self.password_file))
        paths = {"tlsCAFile": self.tls_ca_file, "tlsCertificateKeyFile": self.tls_certificate_key_file}
        files = {name: str(path.expanduser().absolute()) for name, path in paths.items() if path is not None}
        uri = with_options(uri, ({"tls": "true"} if files else {}) | files)
        _check_options(uri)
        return uri


def read_secret(path: Path) -> str:
    """The password that a file holds in its one line.

    Raises:
        InputError: for a file that can't be read or that holds none; its content is never shown.
    """
    try:
        text = path.expanduser().read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise InputError(f"{path}: the password cannot be read: {reason}") from None
    if not text or "\n" in text:
        raise InputError(f"{path}: not a password: the file must hold one line")
    return text


def _check_options(uri: str) -> None:
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser import split_options, validate_options

    for name, path in options_of(uri).items():
        if name.lower() in ("tlscafile", "tlscertificatekeyfile") and not os.access(path, os.R_OK):
            raise InputError(f"{path} ({name}): cannot be read", hint="workers need these files, too")
    try:
        if text := uri.partition("?")[2]:
            validate_options(split_options(text), warn=False)
    except (PyMongoError, ValueError, OSError) as error:
        raise InputError(
            f"options of the MongoDB URI: {error}", hint="CATALOGDB_URI, configuration file or --uri"
        ) from None


def config_file() -> Path:
    """The configuration file that is read if it exists."""
    default = Path(platformdirs.user_config_dir("catalogdb")) / "config.toml"
    return Path(os.environ.get(CONFIG_FILE_VARIABLE, default))


def load_settings(defaults: Mapping[str, Any] | None = None, **arguments: Any) -> Settings:
    """Merge defaults, file, environment and arguments (those that are not None) into validated settings.

    Raises:
        InputError: naming the file or variable and what is wrong with it; never the value of the URI.
    """
    from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
    from pydantic_settings import PydanticBaseSettingsSource as Source

    path = config_file()
    if CONFIG_FILE_VARIABLE in os.environ and not path.is_file():
        raise InputError(f"{path}: no such file, though {CONFIG_FILE_VARIABLE} names it")

    class Sources(Settings, BaseSettings):
        model_config = SettingsConfigDict(env_prefix="CATALOGDB_", env_ignore_empty=True, toml_file=path)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: Source,
            env_settings: Source,
            dotenv_settings: Source,
            file_secret_settings: Source,
        ) -> tuple[Source, ...]:
            file = TomlConfigSettingsSource(settings_cls)
            return init_settings, env_settings, file, InitSettingsSource(settings_cls, dict(defaults or {}))

    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**dict(Sources(**given)))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable TOML file: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise InputError(f"settings: {problems}", hint=f"file {path}, variables CATALOGDB_*, command line") from None
