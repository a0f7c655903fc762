"""The app as it is served: under its own names alone, and its pages load nothing from elsewhere."""

import streamlit as st
from starlette.middleware import Middleware

from workbench.content_policy import ContentPolicy
from workbench.hosts import AllowedHosts

app = st.App("streamlit_app.py", middleware=[Middleware(AllowedHosts), Middleware(ContentPolicy)])
