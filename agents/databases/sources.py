"""Named databases of a workspace: an address without its password, kept; the password, kept elsewhere or not at all.

A password comes from `WORKBENCH_DATA_PASSWORD_NAME`, else from the secrets file in the person's own configuration folder
(`WORKBENCH_SECRETS` names another). It is never written to the workspace, shown or logged.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.messages import say
from workbench.settings import Settings

NAME = re.compile(r"[\w-]{1,64}")
# scheme or file ending -> dialect
SCHEMES = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgres": "postgres",
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
ENDINGS = {
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".duckdb": "duckdb",
    ".ddb": "duckdb",
}
FILES = (".csv", ".tsv", ".xlsx", ".parquet")
# what an address may say after "?": nothing that runs a command, opens files to the server or holds a password
OPTIONS = {
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "ssl_verify_cert",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
}
DRIVERS = {"mysql": "mysql+pymysql", "postgres": "postgresql+psycopg"}


@dataclass(frozen=True)
class Source:
    """`url` for a server, `file` for a file or folder; `dialect` is mysql, postgres, sqlite or duckdb."""

    name: str
    dialect: str
    url: str = ""
    file: str = ""

    @property
    def from_files(self) -> bool:
        """Whether the tables are made of CSV, XLSX or Parquet files."""
        return bool(self.file) and (
            Path(self.file).is_dir() or Path(self.file).suffix.lower() in FILES
        )

    @property
    def address(self) -> str:
        """Where it is, as it may be shown."""
        return self.url or self.file


def add_source(settings: Settings, name: str, place: str) -> Source:
    """Keep a source under that name. Raises InvalidInput or Conflict; it is not connected to here."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name!r} cannot be a source's name.", name=name),
            "Use letters, digits, - and _, at most 64.",
        )
    if _record(settings, name).exists():
        raise Conflict(
            say("There is a source {name} already.", name=name),
            say("Remove it first: workbench data remove {name} --yes", name=name),
        )
    source, password = parse_place(name, place)
    if password:
        keep_secret(source.url, password)
    folder = settings.folder("data", name)
    _write(folder / "source.json", json.dumps(asdict(source), ensure_ascii=False))
    return source


def parse_place(name: str, place: str) -> tuple[Source, str]:
    """A URL or a file -> the source and the password that the URL holds."""
    scheme, found, rest = place.partition("://")
    if not found:
        return _file_source(name, Path(place)), ""
    dialect = SCHEMES.get(scheme.split("+")[0].lower())
    if dialect is None:
        raise InvalidInput(
            say("{scheme} is not a kind of database that is known.", scheme=scheme),
            say("Use one of: {schemes}.", schemes=", ".join(SCHEMES)),
        )
    if dialect in ("sqlite", "duckdb"):
        return _file_source(
            name, Path(rest.removeprefix("/")), dialect
        ), ""  # sqlite:///relative, sqlite:////absolute
    return _server_source(name, dialect, f"{DRIVERS[dialect]}://{rest}")


def _server_source(name: str, dialect: str, address: str) -> tuple[Source, str]:
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise InvalidInput(
            "The address cannot be read.",
            say("Write {dialect}://user:password@host:port/database", dialect=dialect),
        ) from error
    if not url.host or not url.database:
        raise InvalidInput(
            "The address names no host or no database.",
            say("Write {dialect}://user@host:port/database", dialect=dialect),
        )
    if others := set(url.query) - OPTIONS:
        raise InvalidInput(
            say(
                "The address sets what may not be set there: {others}.",
                others=", ".join(sorted(others)),
            ),
            say("Allowed: {options}.", options=", ".join(sorted(OPTIONS))),
        )
    bare = URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    )
    return Source(name, dialect, url=bare.render_as_string(hide_password=False)), str(
        url.password or ""
    )


def _file_source(name: str, path: Path, dialect: str = "") -> Source:
    path = path.expanduser().absolute()
    if not path.exists():
        raise NotFound(
            say("There is no file {path}.", path=path),
            "Check the path; a server's address begins with mysql:// or postgres://",
        )
    if path.is_dir():
        if not any(file.suffix.lower() in FILES for file in path.iterdir()):
            raise InvalidInput(
                say("{path} holds no table.", path=path),
                say("A folder needs files of these kinds: {files}.", files=", ".join(FILES)),
            )
        return Source(name, "duckdb", file=str(path))
    ending = path.suffix.lower()
    found = dialect or ENDINGS.get(ending) or ("duckdb" if ending in FILES else "")
    if not found:
        known = ", ".join([*ENDINGS, *FILES])
        raise InvalidInput(
            say("{name} is not a kind of file that can be asked.", name=path.name),
            say("Use one of: {known}.", known=known),
        )
    return Source(name, found, file=str(path))


def list_sources(settings: Settings) -> list[Source]:
    return [
        find_source(settings, path.parent.name)
        for path in sorted(settings.folder("data").glob("*/source.json"))
    ]


def find_source(settings: Settings, name: str) -> Source:
    """The source of that name; without a name the only one there is. Raises NotFound."""
    if not name:
        return _only_source(settings)
    try:
        return Source(**json.loads(_record(settings, name).read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError) as error:
        names = [path.parent.name for path in sorted(settings.folder("data").glob("*/source.json"))]
        there = (
            f"There are: {', '.join(names)}." if names else "Add one: workbench data add NAME URL"
        )
        raise NotFound(say("There is no source {name}.", name=name), there) from error


def remove_source(settings: Settings, name: str) -> None:
    """Forget a source: its cached schema, notes, made tables and password. The database itself stays as it is."""
    source = find_source(settings, name)
    shutil.rmtree(_record(settings, name).parent)
    others = {other.url for other in list_sources(settings)}
    if source.url in _secrets().keys() - others:
        _write_secrets({url: secret for url, secret in _secrets().items() if url != source.url})


def source_folder(settings: Settings, source: Source) -> Path:
    return settings.folder("data", source.name)


def password_of(source: Source) -> str:
    """The password for a server, or nothing."""
    variable = f"WORKBENCH_DATA_PASSWORD_{re.sub(r'[^A-Z0-9]', '_', source.name.upper())}"
    return os.environ.get(variable) or _secrets().get(source.url, "")


def keep_secret(url: str, password: str) -> None:
    """Put the password into the secrets file, which only its owner may read."""
    _write_secrets({**_secrets(), url: password})


def secrets_file() -> Path:
    if chosen := os.environ.get("WORKBENCH_SECRETS"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "workbench" / "secrets.json"


def _secrets() -> dict[str, str]:
    try:
        return json.loads(secrets_file().read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise InvalidInput(
            say("{value} is not valid JSON.", value=secrets_file()),
            "Correct it, or delete it and add sources anew.",
        ) from error


def _write_secrets(secrets: dict[str, str]) -> None:
    path = secrets_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(path, json.dumps(secrets, indent=1), mode=0o600)


def _only_source(settings: Settings) -> Source:
    sources = list_sources(settings)
    if len(sources) == 1:
        return sources[0]
    names = ", ".join(source.name for source in sources)
    if names:
        raise NotFound(
            "Which database shall be asked is not chosen.",
            say("Choose one (--source NAME): {names}.", names=names),
        )
    raise NotFound(
        "There is no database yet.",
        "Add one: workbench data add NAME URL|FILE, or on the Data page.",
    )


def _record(settings: Settings, name: str) -> Path:
    return settings.folder("data") / (name if NAME.fullmatch(name) else "-") / "source.json"


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Whole or not at all, and never readable by others for a moment where it must not be."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{time.monotonic_ns()}.part")
    with os.fdopen(
        os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    part.replace(path)


def read_json(path: Path) -> Any | None:
    """What the file holds, or None where it is not there or not whole."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def write_json(path: Path, data: Any) -> None:
    _write(path, json.dumps(data, ensure_ascii=False))
