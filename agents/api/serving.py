"""The API as a server: who may reach it, and uvicorn until it is ended."""

from __future__ import annotations

import logging
import os
import socket
import threading
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from agents.api.app import make_app
from agents.api.keys import list_keys
from agents.api.metrics import MULTIPROC
from agents.api.shared import SharedAdmission, keeping
from agents.asking import warm_up
from agents.registry import AUTO
from workbench.accounts.database import has_accounts
from workbench.errors import InvalidInput, Unavailable
from workbench.files import remove_old_parts
from workbench.hosts import is_loopback, url_of
from workbench.messages import say
from workbench.settings import Settings
from workbench.turns import keep_what_is_loaded, take_short_turns

ENDS_WITHIN = 5  # seconds for answers that still grow
WARM_WITHIN = 60  # seconds for each thing that is loaded before the first request
# a connection stays with its process: each request makes one, and whichever is idle takes it
EACH_ITS_OWN = ("connection", "close")
HANGS_AFTER = 60  # seconds without a sign of life; then a process is killed, and another one starts


def check_door(settings: Settings, insecure: bool) -> None:
    """Raises InvalidInput for an address that others reach while the API is open."""
    if is_loopback(settings.host) or insecure or _is_guarded(settings):
        return
    raise InvalidInput(
        say("{host} is reachable by others, and no key exists.", host=settings.host),
        "Make one: workbench keys create NAME --scopes chat; or write it out: --insecure",
    )


def run_server(settings: Settings, port: int, processes: int = 1) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises Unavailable for a port that is taken."""
    _check_free(settings.host, port)
    guarded = "with a key" if _is_guarded(settings) else "without a key"
    click.echo(f"{url_of(settings.host, port)}/v1  ({guarded}; Ctrl-C stops it)", err=True)
    remove_old_parts(settings.folder("uploads"))  # of uploads that a kill broke off
    if processes == 1:
        _begin()
        app = make_app(settings)
        threading.Thread(target=_load, args=(settings,), daemon=True).start()
        uvicorn.run(app, **_options(settings, port))
    else:
        _run_processes(settings, port, processes)


def _run_processes(settings: Settings, port: int, processes: int) -> None:
    """Several processes that take requests from one socket; one that dies is started again."""
    # a process that starts later, when the last key was revoked, is no more open than the others
    guarded = _is_guarded(settings)
    with TemporaryDirectory(prefix="workbench-") as folder:
        os.environ[MULTIPROC] = folder  # for the processes that start from here
        line = Path(folder) / "line"
        app = partial(_part_app, settings, line, guarded)
        options = _options(settings, port)
        config = uvicorn.Config(
            app, factory=True, workers=processes, headers=[EACH_ITS_OWN], **options
        )
        with keeping(line):
            Multiprocess(config, sockets=[config.bind_socket()]).run()


def _options(settings: Settings, port: int) -> dict[str, Any]:
    """What uvicorn needs to know for every process."""
    return {
        "host": settings.host,
        "port": port,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": ENDS_WITHIN,
        "timeout_worker_healthcheck": HANGS_AFTER,
    }


def _part_app(settings: Settings, line: Path, guarded: bool) -> FastAPI:
    """The app of one process of several. It takes no request before it can answer at once."""
    _begin()
    app = make_app(settings, SharedAdmission(line), guarded)
    _load(settings)
    return app


def _load(settings: Settings) -> None:
    """Load what answers need, and keep it from being looked through again and again."""
    for thread in warm_up(AUTO, settings):
        thread.join(WARM_WITHIN)
    keep_what_is_loaded()


def _begin() -> None:
    """What every process that serves does first."""
    take_short_turns()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("workbench.api").setLevel(logging.INFO)


def _is_guarded(settings: Settings) -> bool:
    """Where people sign in, nobody gets in without a key, also while none exists."""
    return bool(list_keys(settings)) or has_accounts(settings)


def _check_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                say(
                    "Port {port} of {host} cannot be used: {error}",
                    port=port,
                    host=host,
                    error=error,
                ),
                "Name another: workbench serve --port 8601",
            ) from error
