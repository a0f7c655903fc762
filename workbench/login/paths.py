"""The paths of the login, which anybody may ask for."""

LOGIN, LOGOUT = "/login", "/logout"
WITH, BACK = "/login/with", "/login/oidc"  # to a provider of logins, and back from it
OF_STREAMLIT = ("/_stcore/health", "/auth/login", "/oauth2callback")
OPEN = (LOGIN, LOGOUT, WITH, BACK, *OF_STREAMLIT)
