"""The tables of the conversations, and how an SQLite file gets them.

A schema of a server gets the same ones by `revisions/`; each step after 6 is run for both.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from workbench.chat.branches import Former, grown
from workbench.sqlite_store import Store, run
from workbench.storage.connecting import Database

FIRST = """
create table conversations (
    id integer primary key autoincrement,
    title text not null,
    created real not null,
    updated real not null,
    deleted real
);
create table messages (
    id integer primary key autoincrement,
    conversation integer not null references conversations(id) on delete cascade,
    role text not null,
    content text not null,
    events text not null default '[]',
    state text not null default 'done',
    mode text not null default 'auto',
    settings text not null default '{}',
    owner text not null default '',
    rating integer not null default 0,
    correction text not null default '',
    superseded integer not null default 0,
    created real not null
);
create index messages_in_order on messages (conversation, id);
"""

VOTES = """
create table votes (
    question integer primary key references messages(id) on delete cascade,
    winner integer,
    created real not null
);
create table reroutes (question text primary key, chosen text not null, created real not null);
"""

BRANCHES = """
alter table conversations add column folder text not null default '';
alter table conversations add column pinned integer not null default 0;
alter table conversations add column settings text not null default '{}';
alter table conversations add column origin text not null default '';
update conversations set origin = lower(hex(randomblob(16)));
create unique index conversations_by_origin on conversations (origin);
alter table messages add column parent integer;
alter table messages add column beside integer;
alter table messages add column shown integer not null default 1;
"""

AFTER_BRANCHES = """
alter table messages drop column superseded;
drop index messages_in_order;
create index messages_in_order on messages (conversation, id, role, parent, beside, shown);
"""

# Texts by each three characters of them, in any language. Two spaces behind a text put its last
# characters into such a three as well, so that one or two of them can be looked up by what begins
# with them. A growing answer enters the index when it has ended.
SEARCH = """
create virtual table found using fts5 (content, content = '', tokenize = 'trigram');
create virtual table found_threes using fts5vocab (found, 'instance');
insert into found (rowid, content)
    select id, content || '  ' from messages where state != 'streaming';
create trigger message_added after insert on messages when new.state != 'streaming' begin
    insert into found (rowid, content) values (new.id, new.content || '  ');
end;
create trigger message_changed after update of content, state on messages begin
    insert into found (found, rowid, content)
        select 'delete', old.id, old.content || '  ' where old.state != 'streaming';
    insert into found (rowid, content)
        select new.id, new.content || '  ' where new.state != 'streaming';
end;
create trigger message_deleted after delete on messages when old.state != 'streaming' begin
    insert into found (found, rowid, content) values ('delete', old.id, old.content || '  ');
end;
"""

# A vote is on the answers of one version, named by the first of them: a question that is asked
# again may be voted on again. A vote from before is on its winner's version, or the shown one.
VOTES_BY_VERSION = """
alter table votes rename to former_votes;
create table votes (
    version integer primary key references messages(id) on delete cascade,
    question integer not null references messages(id) on delete cascade,
    winner integer,
    both_bad integer not null default 0,
    created real not null
);
insert or ignore into votes (version, question, winner, created)
    select coalesce(
        (select coalesce(beside, id) from messages where id = former_votes.winner),
        (select beside from messages where parent = former_votes.question and beside is not null
            order by shown desc, id desc limit 1),
        question
    ), question, winner, created from former_votes;
drop table former_votes;
"""

# what people judged is asked for with every question: few of the messages, and no text of them
JUDGED = """
create index messages_judged on messages (parent, rating, correction)
    where rating <> 0 or correction <> '';
"""

# from here on a step is SQL of both kinds of place, and a revision of the same number runs it
SAVED = """
alter table messages add column saved double precision not null default 0;
"""


def _keep_branches(database: sqlite3.Connection) -> None:
    """What was superseded becomes a former version of what replaced it."""
    run(database, BRANCHES)
    query = "select conversation, id, role, superseded, created from messages order by id"
    conversations: dict[int, list[Former]] = {}
    for conversation, number, role, superseded, created in database.execute(query):
        former = Former(number, role, bool(superseded), created)
        conversations.setdefault(conversation, []).append(former)
    place = "update messages set parent = ?, beside = ?, shown = ? where id = ?"
    for messages in conversations.values():
        rows = [(node.parent, node.beside, node.shown, node.id) for node in grown(messages)]
        database.executemany(place, rows)
    run(database, AFTER_BRANCHES)


# the tables and their keys, in the order in which they refer to each other
TABLES = {
    "conversations": ("id",),
    "messages": ("id",),
    "votes": ("version",),
    "reroutes": ("question",),
}
REVISIONS = Path(__file__).with_name("revisions")
STORE = Store(
    "workbench.db",
    [FIRST, VOTES, _keep_branches, SEARCH, VOTES_BY_VERSION, JUDGED, SAVED],
    revisions=REVISIONS,
    tables=TABLES,
)


def add_row(database: Database, table: str, row: dict[str, Any]) -> int:
    """Put a row into the table; returns its key. Table and columns are names of our own."""
    names = ", ".join(row)
    holes = ", ".join(f":{name}" for name in row)
    (key,) = TABLES[table]
    query = f"insert into {table} ({names}) values ({holes}) returning {key}"  # noqa: S608
    (added,) = database.execute(query, row).fetchall()
    return int(added[0])
