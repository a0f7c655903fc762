"""The place where training processes meet: its address, whether it can be opened or answers."""

from __future__ import annotations

import socket
from typing import Any

from workbench.errors import Unavailable
from workbench.messages import say

LOOPBACK = "127.0.0.1"
Address = tuple[Any, ...]


def resolve(host: str, port: str) -> tuple[socket.AddressFamily, Address]:
    """Family and address of a host. Raises Unavailable for a name that does not resolve."""
    try:
        found = socket.getaddrinfo(host, port or None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable(
            say(
                "The name {host}, where the training processes meet, has no address.",
                host=host,
            ),
            say(
                "Give an address instead (--rendezvous ADDRESS:PORT, or torchrun --master-addr; on "
                "one machine {loopback}), or add the name to /etc/hosts.",
                loopback=LOOPBACK,
            ),
        ) from error
    family, _, _, _, address = found[0]
    return family, address


def check_port(host: str, port: str, family: socket.AddressFamily, address: Address) -> None:
    """Raise Unavailable where this machine cannot open that port."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise Unavailable(
            say(
                "Port {port}, where the training processes meet, cannot be opened on {host}: "
                "{strerror}.",
                port=port,
                host=host,
                strerror=error.strerror,
            ),
            say(
                "Another program holds it, or the address is not this machine's. Choose a free "
                "port, such as {free}, for all machines, or the address of machine 0 "
                "(--rendezvous, or torchrun --master-addr and --master-port).",
                free=free_port(),
            ),
        ) from error


def free_port() -> int:
    """A port that nobody holds at the moment."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def answers(host: str, port: str) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((host, int(port)), timeout=2):
            return True
    except OSError:
        return False
