"""Who may sign in, and the workspace in which each of them works.

Where nobody was added there are no accounts: the workspace is one person's, as on a laptop.
"""

from workbench.accounts.database import has_accounts
from workbench.accounts.people import Person, find_person
from workbench.accounts.signing_in import check_password
from workbench.accounts.spaces import Space, settings_in, spaces_of

__all__ = [
    "Person",
    "Space",
    "check_password",
    "find_person",
    "has_accounts",
    "settings_in",
    "spaces_of",
]
