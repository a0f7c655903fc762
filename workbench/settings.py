"""workbench.toml and WORKBENCH_* -> one frozen Settings, passed as an argument."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from workbench.connections import read_connections
from workbench.errors import InvalidInput
from workbench.messages import listed, say
from workbench.secret_files import read_secret_files
from workbench.storage.place import Place, Schema, check_url, held_in

SECRETS = ("openai_api_key", "cookie_secret", "database_url")
CONFIG = Path("workbench.toml")
OLLAMA_PORT = "11434"
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104


def _ollama_host() -> str:
    """Where every Ollama tool looks for the server, and Ollama's own default."""
    return whole_address(os.environ.get("OLLAMA_HOST", ""))


class Settings(BaseSettings):
    """Every choice a person can make; the environment wins over workbench.toml in this folder."""

    model_config = SettingsConfigDict(
        env_prefix="WORKBENCH_", frozen=True, extra="forbid", toml_file=CONFIG
    )

    home: Path = Field(
        Path("workspace"),
        description="the workspace: everything a person makes lives here",
    )
    cache: Path = Field(
        Path("~/.cache/workbench"),
        description="what is made of installed packages once per machine, such as unpacked "
        "models; may be deleted",
    )
    language: Literal["auto", "en", "zh"] = Field(
        "auto",
        description="interface language; auto follows the browser",
    )
    host: str = Field(
        "127.0.0.1",
        description="address the app listens on; one that others reach needs accounts, or "
        "--insecure",
    )
    allowed_hosts: str = Field(
        "",
        description="names under which a proxy offers the app, with commas between them; any "
        "other name is refused",
    )
    api: bool = Field(
        False,
        description="whether the app also answers the HTTP API, under the same address; "
        "`workbench run --api` sets it",
    )
    cookie_secret: SecretStr = Field(
        SecretStr(""),
        description="what logins are signed with, the same for several app servers; only from the "
        "environment; empty makes one in the workspace",
    )
    oidc_role: Literal["none", "reader", "editor"] = Field(
        "reader",
        description="role of a person whom the OpenID Connect provider sends for the first time; "
        "none lets in only whom an admin has added",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="address of a PostgreSQL database for the chats, so that several servers share "
        "them; empty keeps them in the workspace; only from the environment",
    )
    person: str = Field(
        "",
        description="whose chats are read and written in a workspace that several people share; "
        "the login sets it",
    )
    role: Literal["reader", "editor", "admin"] = Field(
        "admin",
        description="what that person may do: ask; also change the workspace; also reach the "
        "machine's files and other people; the login sets it",
    )
    port: int = Field(
        8501,
        ge=1,
        le=65535,
        description="first port tried for the app; the next free one is taken",
    )

    model: str = Field(
        "auto",
        description="chat model: ollama:NAME, local:FOLDER, openai:NAME, packaged:NAME, none; "
        "auto takes the first reachable",
    )
    tuned: str = Field(
        "auto",
        description="model of the mode tuned: local:RUN or ollama:NAME; auto takes the newest run",
    )
    ollama_host: str = Field(
        default_factory=_ollama_host,
        description="address of the Ollama server; else the one connected in the app, else "
        "OLLAMA_HOST, which every Ollama tool reads",
    )
    openai_base_url: str = Field(
        "",
        description="an OpenAI-compatible server (vLLM and the like), ending in /v1",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""),
        description="key for that server; only from the environment",
    )
    context_tokens: int = Field(
        8192,
        ge=512,
        description="context window asked of the chat model, in tokens",
    )
    answer_tokens: int = Field(1024, ge=16, description="longest answer, in tokens")
    temperature: float = Field(0.1, ge=0, le=2, description="sampling temperature; 0 is greedy")
    top_p: float = Field(
        0.95,
        gt=0,
        le=1,
        description="share of the probability that tokens are sampled from; 1 is all of it",
    )
    system_prompt: str = Field(
        "",
        description="instructions for every answer of a chat model, before the agent's own",
    )

    collection: str = Field(
        "handbook",
        description="collections that the documents agent searches, with commas between them; "
        "where this one was never made, the first by name",
    )
    attached: str = Field(
        "",
        description="collection of attached files, searched beside the others; the chat sets it",
    )
    embedder: str = Field(
        "multilingual-e5-small",
        description="embedder of new collections: multilingual-e5-small, all-MiniLM-L6-v2, a "
        "folder, a hub name, modelscope:NAME, ollama:NAME",
    )
    reranker: str = Field(
        "",
        description="cross-encoder that reorders the best passages; empty is off",
    )
    passages: int = Field(6, ge=1, le=50, description="passages put before the chat model")
    chroma_url: str = Field(
        "",
        description="address of a Chroma server; empty keeps the index in the workspace",
    )

    source: str = Field(
        "",
        description="database that the data agent asks; empty takes the only one there is",
    )
    query_rows: int = Field(10, ge=1, le=100_000, description="rows that a query may give out")
    query_seconds: float = Field(
        30,
        gt=0,
        description="longest time that a query may take, in seconds",
    )
    confirm_queries: Literal["small", "always", "never"] = Field(
        "small",
        description="models whose query is confirmed by a second one, and a third where two "
        "differ, each as slow as the first: small (weights up to 4 GB), always, never",
    )

    concurrent_answers: int = Field(
        64, ge=1, description="answers that may grow at once; other questions wait in a line"
    )
    answers_per_person: int = Field(
        0,
        ge=0,
        description="answers of one person that may grow at once; 0 is as many as of all; with "
        "accounts the person's own limit",
    )
    space_megabytes: int = Field(
        0,
        ge=0,
        description="once the workspace has as many megabytes, files that arrive are refused; 0 is "
        "without a limit; with accounts each person's own limit for the own space",
    )
    waiting_answers: int = Field(
        64, ge=0, description="questions of one person that may wait; more are refused"
    )

    assistant_steps: int = Field(
        8, ge=1, le=50, description="tools that the assistant may call for one answer"
    )
    assistant_seconds: float = Field(
        180, gt=0, description="longest time of one answer of the assistant, in seconds"
    )
    assistant_tokens: int = Field(
        60_000,
        ge=1000,
        description="tokens that the assistant's model may read and write for one answer",
    )

    file_seconds: float = Field(120, gt=0, description="longest time to read one file, in seconds")
    file_megabytes: float = Field(512, gt=0, description="largest file that is read, in megabytes")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # the first wins; a .env file is not read, as keys in files are refused
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("ollama_host", mode="after")
    @classmethod
    def _whole_address(cls, host: str) -> str:
        return whole_address(host) if host else _ollama_host()

    @field_validator("database_url", mode="after")
    @classmethod
    def _database_address(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():
            check_url(url.get_secret_value())
        return url

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _names_only(cls, hosts: str) -> str:
        if not re.fullmatch(r"[\w., -]*", hosts):
            raise ValueError(
                "give host names alone, such as workbench.example.org, no * or http://"
            )
        return hosts

    @property
    def collections(self) -> list[str]:
        """The names in `collection`, each once; a name has no comma in it."""
        names = [name.strip() for name in self.collection.split(",")]
        return list(dict.fromkeys(name for name in names if name))

    @property
    def host_names(self) -> frozenset[str]:
        """The names in `allowed_hosts`, in small letters."""
        names = [name.strip().lower() for name in self.allowed_hosts.split(",")]
        return frozenset(name for name in names if name)

    def folder(self, *parts: str) -> Path:
        """A folder of the workspace, made where it is missing. Raises InvalidInput."""
        return _made(self.home.joinpath(*parts), "WORKBENCH_HOME")

    def cache_folder(self, *parts: str) -> Path:
        """A folder of the machine's cache, made where it is missing. Raises InvalidInput."""
        return _made(self.cache.joinpath(*parts), "WORKBENCH_CACHE")

    @property
    def own(self) -> Settings:
        """Where what is one person's lies: chats, their files, what was learned of ratings.

        In a workspace that several people share it is a folder of theirs, else the workspace.
        """
        if not self.person:
            return self
        home = self.home / "people" / self.person
        return self.model_copy(update={"home": home, "person": ""})

    @property
    def database(self) -> Place:
        """Where conversations and ratings are: those of the workspace, or of one person in it."""
        if self.database_url.get_secret_value():
            return Schema(self.database_url, held_in(self.home, self.person))
        return self.database_file

    @property
    def database_file(self) -> Path:
        """The SQLite file of conversations and ratings, where no server has them."""
        return self.own.folder() / "workbench.db"


def _made(path: Path, variable: str) -> Path:
    if path.is_dir():  # a look costs less than a try, and each question needs some folders
        return path
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(
            say(
                "The folder {path} cannot be made: {strerror}",
                path=path,
                strerror=error.strerror,
            ),
            say("Set {variable} to a folder you can write to.", variable=variable),
        ) from error
    return path


def load_settings(**changes: Any) -> Settings:
    """Settings from environment and file, with `changes` on top.

    Raises InvalidInput with all problems of the settings together.
    """
    read_secret_files()
    try:
        _refuse_secrets()
        settings = Settings(**changes)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(
            say("{config} is not valid TOML: {error}", config=CONFIG, error=error),
            "Correct the line, or delete the file.",
        ) from error
    except ValidationError as error:
        problems = [_problem(one) for one in error.errors()]
        raise InvalidInput(
            say("Settings that cannot be used: {problems}", problems=listed(problems)),
            "Correct them in workbench.toml or WORKBENCH_*.",
        ) from error
    home = settings.home.expanduser().absolute()
    cache = settings.cache.expanduser().absolute()
    changes = {"home": home, "cache": cache, **_connected(home, settings)}
    return settings.model_copy(update=changes)


def _connected(home: Path, settings: Settings) -> dict[str, Any]:
    """What was connected in the workspace; the environment and workbench.toml win."""
    host = read_connections(home).ollama_host
    if not host or "ollama_host" in settings.model_fields_set:
        return {}
    return {"ollama_host": host}


def whole_address(host: str) -> str:
    """An address of Ollama in any form that its own OLLAMA_HOST may have -> http://HOST:PORT.

    Without a scheme the port is 11434 where none is given. 0.0.0.0 and [::] are where a server
    listens, not where it is reached: they become the loopback address.
    """
    scheme, _, rest = host.strip().rpartition("://")
    place, slash, path = rest.rstrip("/").partition("/")
    name, port = _name_and_port(place)
    if not scheme and not port:
        port = OLLAMA_PORT
    name = LOOPBACK.get(name, name)
    end = f":{port}" if port else ""
    return f"{scheme or 'http'}://{name}{end}{slash}{path}"


def _name_and_port(place: str) -> tuple[str, str]:
    if place.endswith("]"):
        return place, ""  # an IPv6 address without a port
    name, _, port = place.rpartition(":")
    return (name, port) if ":" in place else (place, "")


def _refuse_secrets() -> None:
    """A key in a file ends up in a repository."""
    if not CONFIG.is_file():
        return
    written = tomllib.loads(CONFIG.read_text("utf-8"))
    secrets = [name for name in SECRETS if name in written]
    if secrets:
        raise InvalidInput(
            say("{config} holds a secret: {secrets}", config=CONFIG, secrets=", ".join(secrets)),
            say(
                "Delete the line and export WORKBENCH_{secrets} instead.",
                secrets=secrets[0].upper(),
            ),
        )


def _problem(error: Any) -> str:
    """One of pydantic's errors: the setting and what it says of it."""
    name = ".".join(str(part) for part in error["loc"])
    return f"{name}: {error['msg']}"
