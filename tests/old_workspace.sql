-- A workspace as the program wrote it on 29 November 2026: tables of both databases, and a few rows.
-- Later versions must bring it up to date, so nothing here follows the program.
-- workbench.db
CREATE TABLE conversations (
    id integer primary key autoincrement,
    title text not null,
    created real not null,
    updated real not null,
    deleted real
, folder text not null default '', pinned integer not null default 0, settings text not null default '{}', origin text not null default '');
CREATE TABLE messages (
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
    created real not null
, parent integer, beside integer, shown integer not null default 1);
CREATE TABLE reroutes (question text primary key, chosen text not null, created real not null);
CREATE UNIQUE INDEX conversations_by_origin on conversations (origin);
CREATE INDEX messages_in_order on messages (conversation, id, role, parent, beside, shown);
CREATE VIRTUAL TABLE found using fts5 (content, content = '', tokenize = 'trigram');
CREATE VIRTUAL TABLE found_threes using fts5vocab (found, 'instance');
CREATE TRIGGER message_added after insert on messages when new.state != 'streaming' begin
    insert into found (rowid, content) values (new.id, new.content || '  ');
end;
CREATE TRIGGER message_changed after update of content, state on messages begin
    insert into found (found, rowid, content)
        select 'delete', old.id, old.content || '  ' where old.state != 'streaming';
    insert into found (rowid, content)
        select new.id, new.content || '  ' where new.state != 'streaming';
end;
CREATE TRIGGER message_deleted after delete on messages when old.state != 'streaming' begin
    insert into found (found, rowid, content) values ('delete', old.id, old.content || '  ');
end;
CREATE TABLE votes (
    version integer primary key references messages(id) on delete cascade,
    question integer not null references messages(id) on delete cascade,
    winner integer,
    both_bad integer not null default 0,
    created real not null
);
CREATE INDEX messages_judged on messages (parent, rating, correction)
    where rating <> 0 or correction <> '';
insert into conversations (title, created, updated, origin) values ('Leave', 1.0, 2.0, 'a1');
insert into messages (conversation, role, content, created, shown)
    values (1, 'user', 'How many days of leave?', 1.0, 1);
insert into messages (conversation, role, content, events, created, parent, rating)
    values (1, 'assistant', '28 days.', '[]', 2.0, 1, 1);
pragma user_version = 6;
-- index.db
CREATE TABLE collections (
    id integer primary key autoincrement,
    name text not null unique,
    embedder text not null,
    dimension integer not null,
    revision integer not null default 0,
    generation integer not null default 1,
    dirty integer not null default 0,
    created text not null default (datetime('now'))
, changed text);
CREATE TABLE documents (
    collection integer not null references collections(id) on delete cascade,
    source text not null,
    sha256 text not null,
    size integer not null,
    modified integer not null,
    state text not null,
    problem text not null default '',
    fix text not null default '',
    passages integer not null default 0,
    primary key (collection, source)
) without rowid;
CREATE TABLE passages (
    collection integer not null references collections(id) on delete cascade,
    id text not null,
    source text not null,
    position integer not null,
    text text not null,
    locator text not null,
    vector blob not null,
    primary key (collection, id)
);
CREATE INDEX passages_in_order on passages (collection, source, position);
insert into collections (name, embedder, dimension, changed) values ('old', 'none', 2, '2026-11-29');
insert into documents values (1, '/papers/leave.md', 'ab', 1, 1, 'indexed', '', '', 1);
insert into passages values (1, 'p1', '/papers/leave.md', 0, 'Employees have 28 days of annual leave.',
    '{"page": null, "sheet": "", "heading": [], "line": 1}', x'0000803f00000000');
