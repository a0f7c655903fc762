"""The app as it is served: under its own names alone, behind a login where people have accounts."""

import streamlit as st
from starlette.middleware import Middleware

from workbench.content_policy import ContentPolicy
from workbench.hosts import AllowedHosts
from workbench.login.gate import Gate
from workbench.login.routes import login_routes
from workbench.ui.open_sessions import OpenSessions

app = st.App(
    "streamlit_app.py",
    routes=login_routes(),
    # the first one sees a request first
    middleware=[
        Middleware(AllowedHosts),
        Middleware(ContentPolicy),
        Middleware(Gate, sessions=OpenSessions()),
    ],
)
