"""How fsspec reaches a server of `sftp://`: only one whose key is known, and a file appears whole.

By itself fsspec trusts whatever key a server shows, and moves what it has written from `/tmp`,
which may be another disk than the target's.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import paramiko


class _KnownHosts(paramiko.MissingHostKeyPolicy):
    """Lets in a server whose key stands in the user's known hosts."""

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
        """Raises SSHException for a key that is not known, or is another one."""
        file = Path.home() / ".ssh/known_hosts"
        known = paramiko.HostKeys(str(file) if file.exists() else None)
        if not known.check(hostname, key):
            raise paramiko.SSHException(f"{file} does not hold its key")


def options_for(path: str) -> dict[str, Any]:
    """Options of fsspec's file system for a file at that path on the server."""
    return {
        "host_key_policy": _KnownHosts,
        "temppath": str(PurePosixPath(path or "/").parent),
    }
