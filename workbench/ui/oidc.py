"""Streamlit's own login by OpenID Connect, as the login page uses it.

Streamlit goes to the provider and back, checks its signature and keeps what it said in a signed
cookie. That cookie is exchanged for a login of ours at once, and deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from streamlit.auth_util import (
    encode_provider_token,
    get_cookie_with_chunks,
    get_origin_from_redirect_uri,
    get_secrets_auth_section,
)
from streamlit.errors import StreamlitAuthError
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from workbench.login.gate import OIDC_COOKIE
from workbench.login.outside import ALONE

NEEDED = {"client_id", "client_secret", "server_metadata_url"}


class StreamlitLogin:
    """What the login page asks of Streamlit (see `workbench.login.outside.Outside`)."""

    def providers(self) -> list[str]:
        """Their names in `[auth]` of secrets.toml; empty where none is."""
        section = get_secrets_auth_section()
        if not {"redirect_uri", "cookie_secret"} <= set(section):
            return []
        found = [ALONE] if set(section) >= NEEDED else []
        parts = [(name, part) for name, part in section.items() if isinstance(part, Mapping)]
        return found + [name for name, part in parts if set(part) >= NEEDED]

    def way_to(self, provider: str) -> str:
        """The path of the app from which the browser goes to that provider."""
        return f"/auth/login?provider={quote(encode_provider_token(provider))}"

    def claims(self, cookies: Mapping[str, str]) -> Mapping[str, Any] | None:
        """What the provider has said, of a browser that is back; None where it says nothing."""
        secret = get_cookie_secret()

        def read(name: str) -> bytes | None:
            text = cookies.get(name)
            return decode_signed_value(secret, name, text.encode("latin-1")) if text else None

        try:
            found = json.loads(get_cookie_with_chunks(read, OIDC_COOKIE) or b"null")
            origin = get_origin_from_redirect_uri()
        except (ValueError, StreamlitAuthError):
            return None
        if not found or not self.providers() or found.get("origin") != origin:
            return None
        return found

    def used_cookies(self, cookies: Mapping[str, str]) -> list[str]:
        """The names of the cookies that carried it, which may be in several parts."""
        return [name for name in cookies if name.startswith(OIDC_COOKIE)]
