"""The app as it is served: the pages of `streamlit_app.py` behind the list of allowed hosts."""

import streamlit as st
from starlette.middleware import Middleware

from workbench.hosts import AllowedHosts

app = st.App("streamlit_app.py", middleware=[Middleware(AllowedHosts)])
