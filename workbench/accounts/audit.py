"""Who did what, and when. No password is ever in it."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from workbench.accounts.database import changing, has_accounts, reading
from workbench.settings import Settings

KEPT = 50_000  # rows; older ones go

# what was done -> in English, in Chinese
DEEDS = {
    "signed_in": ("signed in", "登录"),
    "signed_out": ("signed out", "退出登录"),
    "sign_in_failed": ("could not sign in", "登录失败"),
    "sign_in_held": ("had to wait before the next try", "尝试过多，须等待"),
    "person_added": ("added a person", "添加用户"),
    "person_disabled": ("disabled a person", "停用用户"),
    "person_enabled": ("enabled a person", "启用用户"),
    "person_removed": ("removed a person", "移除用户"),
    "role_changed": ("changed a role", "更改角色"),
    "password_changed": ("changed a password", "更改密码"),
    "sessions_ended": ("ended sessions", "结束会话"),
    "quota_changed": ("changed a quota", "更改配额"),
    "group_added": ("added a group", "添加群组"),
    "group_removed": ("removed a group", "移除群组"),
    "group_joined": ("let a person into a group", "将用户加入群组"),
    "group_left": ("took a person out of a group", "将用户移出群组"),
    "key_created": ("made a key", "创建密钥"),
    "key_revoked": ("revoked a key", "撤销密钥"),
}


@dataclass(frozen=True)
class Entry:
    """One row. `at` is in seconds since 1970; `who` is empty for the command line."""

    at: float
    who: str
    what: str
    about: str


def note(database: sqlite3.Connection, who: str, what: str, about: str = "") -> None:
    """Write a row, within the caller's transaction. `what` is one of DEEDS."""
    if what not in DEEDS:
        raise ValueError(what)
    row = {"at": time.time(), "who": who, "what": what, "about": about}
    query = (
        "insert into audit (at, who, what, about) values (:at, :who, :what, :about) "
        "returning number"
    )
    (number,) = database.execute(query, row).fetchone()
    database.execute("delete from audit where number <= :oldest", {"oldest": number - KEPT})


def write_down(root: Settings, who: str, what: str, about: str = "") -> None:
    """A row of its own, where people sign in; nothing where nobody does."""
    if has_accounts(root):
        with changing(root) as database:
            note(database, who, what, about)


def list_audit(root: Settings, limit: int = 200, who: str = "", what: str = "") -> list[Entry]:
    """The newest rows, the newest first; only those of a person or of a deed, where named."""
    if not has_accounts(root):
        return []
    query = (
        "select at, who, what, about from audit "
        "where (:who = '' or who = :who) and (:what = '' or what = :what) "
        "order by number desc limit :limit"
    )
    with reading(root) as database:
        rows = database.execute(query, {"who": who, "what": what, "limit": limit})
        return [Entry(**row) for row in rows]
