"""What every loader says of a file that needs a password."""

from workbench.messages import say

ENTER_PASSWORD = say("Enter its password.")
