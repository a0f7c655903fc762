"""The door of the app for people: a login page, a signed cookie, and a gate before everything."""
