"""Named databases of a workspace: each an address without its password, or the path of a file.

A source is kept as `data/NAME/source.json`. Its password is never written to the workspace, shown
or logged: `passwords.py` keeps it.
"""

from __future__ import annotations

import re
import shutil
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from agents.databases.passwords import forget_password, keep_password
from workbench.confined import check_may_change, inside
from workbench.errors import Conflict, InvalidInput, NotFound
from workbench.files import locked, read_json, write_json
from workbench.folders import check_file, files_in
from workbench.machine_keyring import mark_of
from workbench.messages import say
from workbench.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

NAME = re.compile(r"[\w-]{1,64}")
SCHEMES = {  # scheme of an address -> dialect
    "mysql": "mysql",
    "mariadb": "mysql",
    "postgres": "postgres",
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "duckdb": "duckdb",
}
ENDINGS = {  # ending of a file -> dialect
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".duckdb": "duckdb",
    ".ddb": "duckdb",
}
FILES = (".csv", ".tsv", ".xlsx", ".parquet")
# what an address may say after "?": nothing that runs a command, gives the server files of this
# machine or holds a password
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
PATH_OPTIONS = OPTIONS - {"ssl_verify_cert", "sslmode"}
DRIVERS = {"mysql": "mysql+pymysql", "postgres": "postgresql+psycopg"}


@dataclass(frozen=True)
class DataSource:
    """`url` for a server, `file` for a file or folder.

    `dialect` is mysql, postgres, sqlite or duckdb. `space` is the mark of the space that it belongs
    to, with whose passwords it is asked; it is not stored.
    """

    name: str
    dialect: str
    url: str = ""
    file: str = ""
    space: str = ""

    @property
    def from_files(self) -> bool:
        """Whether the tables are made of CSV, XLSX or Parquet files."""
        if not self.file:
            return False
        path = Path(self.file)
        return path.is_dir() or path.suffix.lower() in FILES

    @property
    def address(self) -> str:
        """The URL or path, as it may be shown."""
        return self.url or self.file


def add_source(settings: Settings, name: str, place: str) -> DataSource:
    """Keep a source under that name, without connecting to it. Raises InvalidInput or Conflict."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            say("{name!r} cannot be a source's name.", name=name),
            "Use letters, digits, - and _, at most 64.",
        )
    record = _record(settings, name)
    with _locked(settings):
        if record.exists():
            raise Conflict(
                say("There is a source {name} already.", name=name),
                say("Remove it first: workbench data remove {name} --yes", name=name),
            )
        source, password = parse_place(name, place, settings)
        if password:
            keep_password(source.url, password, source.space)
        facts = asdict(source)
        del facts["space"]
        write_json(record, facts)
    return source


def parse_place(name: str, place: str, settings: Settings) -> tuple[DataSource, str]:
    """A URL or a file -> the source and the password that the URL holds.

    Raises Forbidden for a file, or a socket of this machine, that the person may not name.
    """
    source, password = _parse(name, place, settings)
    return replace(source, space=mark_of(settings.home)), password


def _parse(name: str, place: str, settings: Settings) -> tuple[DataSource, str]:
    scheme, found, rest = place.partition("://")
    if not found:
        return _file_source(name, inside(place, settings)), ""
    dialect = SCHEMES.get(scheme.split("+")[0].lower())
    if dialect is None:
        raise InvalidInput(
            say("{scheme} is not a known kind of database.", scheme=scheme),
            say("Use one of: {schemes}.", schemes=", ".join(SCHEMES)),
        )
    if dialect in ("sqlite", "duckdb"):
        path = rest.removeprefix("/")  # sqlite:///relative, sqlite:////absolute
        return _file_source(name, inside(path, settings), dialect), ""
    return _server_source(name, dialect, f"{DRIVERS[dialect]}://{rest}", settings)


def _server_source(
    name: str, dialect: str, address: str, settings: Settings
) -> tuple[DataSource, str]:
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
    others = set(url.query) - OPTIONS
    if others:
        raise InvalidInput(
            say("The address sets forbidden options: {others}.", others=", ".join(sorted(others))),
            say("Allowed: {options}.", options=", ".join(sorted(OPTIONS))),
        )
    _check_files(url, settings)
    bare = URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    )
    source = DataSource(name, dialect, url=bare.render_as_string(hide_password=False))
    return source, str(url.password or "")


def _check_files(url: URL, settings: Settings) -> None:
    """Raises Forbidden for sockets and certificates of the machine that the person may not name.

    A socket knows by the user of this process who asks, so it needs no password.
    """
    host = unquote(url.host or "")
    named = [host] if "/" in host or host.startswith("@") else []
    for option, values in url.normalized_query.items():
        if option in PATH_OPTIONS:
            named += values
    for path in named:
        inside(path, settings)


def _file_source(name: str, path: Path, dialect: str = "") -> DataSource:
    if not path.exists():
        raise NotFound(
            say("There is no file {path}.", path=path),
            "Check the path; a server's address begins with mysql:// or postgres://",
        )
    check_file(path)
    if path.is_dir():
        if not any(file.suffix.lower() in FILES for file in files_in(path)):
            raise InvalidInput(
                say("{path} holds no table.", path=path),
                say("A folder needs files of these kinds: {files}.", files=", ".join(FILES)),
            )
        return DataSource(name, "duckdb", file=str(path))
    ending = path.suffix.lower()
    if not dialect:
        dialect = "duckdb" if ending in FILES else ENDINGS.get(ending, "")
    if not dialect:
        known = ", ".join([*ENDINGS, *FILES])
        raise InvalidInput(
            say("{name} is neither a database nor a table file.", name=path.name),
            say("Use one of: {known}.", known=known),
        )
    return DataSource(name, dialect, file=str(path))


def with_password(address: str, password: str) -> str:
    """The address with the password in it, where it names a user and has none of its own."""
    user, at, rest = address.rpartition("@")
    has_one = ":" in user.partition("//")[2]
    if not password or not at or has_one:
        return address
    return f"{user}:{quote(password, safe='')}{at}{rest}"


def list_sources(settings: Settings) -> list[DataSource]:
    return [find_source(settings, name) for name in _names(settings)]


def find_source(settings: Settings, name: str) -> DataSource:
    """The source of that name; without a name the only one. Raises NotFound."""
    if not name:
        return _only_source(settings)
    try:
        record = read_json(_record(settings, name))
    except NotADirectoryError:
        record = None
    if record is None:
        names = _names(settings)
        fix = "Add one: workbench data add NAME URL"
        if names:
            fix = say("There are: {names}.", names=", ".join(names))
        raise NotFound(say("There is no source {name}.", name=name), fix)
    return DataSource(**record | {"space": mark_of(settings.home)})


def _only_source(settings: Settings) -> DataSource:
    sources = list_sources(settings)
    if len(sources) == 1:
        return sources[0]
    if sources:
        names = ", ".join(source.name for source in sources)
        raise NotFound(
            "No database is selected.", say("Choose one (--source NAME): {names}.", names=names)
        )
    raise NotFound(
        "There is no database yet.",
        "Add one: workbench data add NAME URL|FILE, or on the Data page.",
    )


def remove_source(settings: Settings, name: str) -> None:
    """Forget a source: its cached schema, notes, made tables and password. The database stays."""
    with _locked(settings):
        source = find_source(settings, name)
        shutil.rmtree(_record(settings, name).parent)
        if source.url not in {other.url for other in list_sources(settings)}:
            forget_password(source.url, source.space)


def source_folder(settings: Settings, source: DataSource) -> Path:
    return settings.folder("data", source.name)


def _names(settings: Settings) -> list[str]:
    return [path.parent.name for path in sorted(settings.folder("data").glob("*/source.json"))]


def _record(settings: Settings, name: str) -> Path:
    """The file of a source; for what cannot be a name, one that never exists."""
    return settings.folder("data") / (name if NAME.fullmatch(name) else "-") / "source.json"


def _locked(settings: Settings) -> AbstractContextManager[None]:
    """One process at a time adds or removes sources. Raises Forbidden for a reader."""
    check_may_change(settings)
    return locked(settings.folder("data") / "sources")
