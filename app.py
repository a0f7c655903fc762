"""The app as it is served: under its own names alone, behind a login where people have accounts.

With `workbench run --api` programs are answered under the same address.
"""

import streamlit as st
from starlette.middleware import Middleware

from workbench.content_policy import ContentPolicy
from workbench.hosts import AllowedHosts
from workbench.login.beside import Beside
from workbench.login.gate import Gate
from workbench.login.routes import login_routes
from workbench.settings import load_settings
from workbench.ui.oidc import StreamlitLogin
from workbench.ui.open_sessions import OpenSessions


def layers() -> list[Middleware]:
    """What a request passes, the first one first. The API has a door of its own: keys."""
    found = [Middleware(AllowedHosts)]
    settings = load_settings()
    if settings.api:
        from agents.api.app import make_app, paths_of

        api = make_app(settings)
        found.append(Middleware(Beside, other=api, paths=paths_of(api)))
    return [*found, Middleware(ContentPolicy), Middleware(Gate, sessions=OpenSessions())]


app = st.App("streamlit_app.py", routes=login_routes(StreamlitLogin()), middleware=layers())
