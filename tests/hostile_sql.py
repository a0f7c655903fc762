"""Statements that must never reach a database: writes, locks, waits, files, network, tricks.

They read the tables `users` (id, name, password) and `orders` (id, user_id, price, note), which
every test database has.
"""

from __future__ import annotations

EVERYWHERE = """
DELETE FROM users
DROP TABLE users
UPDATE users SET name = 'x'
INSERT INTO users (id) VALUES (1)
CREATE TABLE copy AS SELECT * FROM users
CREATE VIEW copy AS SELECT * FROM users
ALTER TABLE users ADD COLUMN extra INT
TRUNCATE TABLE users
GRANT ALL ON users TO public
BEGIN
COMMIT
ROLLBACK
EXPLAIN SELECT * FROM users
SELECT * FROM users; DROP TABLE users
SELECT 1; SELECT 2
SELECT * FROM users;; DELETE FROM users
/* harmless */ DROP TABLE users
-- SELECT * FROM users
DROP/**/TABLE/**/users
SELECT * FROM nowhere
SELECT nothing FROM users
SELECT users.nothing FROM users
SELECT orders.price FROM users
SELECT u.id FROM users AS v
SELECT * FROM information_schema.tables
SELECT * FROM elsewhere.users
SELECT * FROM a.b.users
SELECT unknown_function(id) FROM users
SELECT id FROM users WHERE id = (SELECT max(secret) FROM nowhere)
SELECT id FROM users WHERE EXISTS (SELECT 1 FROM information_schema.columns)
WITH x AS (SELECT * FROM hidden) SELECT * FROM x
WITH x AS (DELETE FROM users RETURNING *) SELECT * FROM x
WITH x AS (SELECT 1 AS id) DELETE FROM users
WITH x AS (SELECT 1 AS id) UPDATE users SET name = 'x'
WITH x AS (SELECT 1 AS id) INSERT INTO users SELECT id FROM x
SELECT * FROM users UNION SELECT table_name, 1, 2 FROM information_schema.tables
SELECT REPEAT('a', 1000000000)
SELECT CURRENT_USER
SELECT SESSION_USER
SELECT * FROM users WHERE name = 'x' INTO OUTFILE '/tmp/x'
SELECT * INTO copy FROM users
VALUES (1)
TABLE nowhere
CALL something()
EXECUTE something
PREPARE p AS SELECT 1
SET x = 1
SHOW TABLES
USE other
LOCK TABLE users
ANALYZE users
SELECT * FROM users WHERE (SELECT 1 FROM users FOR UPDATE) = 1
SELECT * FROM users FOR UPDATE
SELECT id AS "a""b" FROM users
"""

MYSQL = """
SELECT SLEEP(5)
SELECT * FROM users WHERE SLEEP(5) = 0
SELECT * FROM users WHERE id = 1 AND SLEEP(5)
SELECT IF(1 = 1, SLEEP(5), 0)
SELECT * FROM users ORDER BY (SELECT SLEEP(5))
SELECT (SELECT SLEEP(5)) AS x FROM users
SELECT BENCHMARK(100000000, MD5('x'))
SELECT GET_LOCK('x', 10)
SELECT RELEASE_LOCK('x')
SELECT IS_FREE_LOCK('x')
SELECT MASTER_POS_WAIT('x', 1, 10)
SELECT LOAD_FILE('/etc/passwd')
SELECT * FROM users INTO OUTFILE '/tmp/x'
SELECT * FROM users INTO DUMPFILE '/tmp/x'
SELECT id INTO @x FROM users LIMIT 1
SELECT 'x' INTO OUTFILE '/tmp/x.php'
LOAD DATA INFILE '/etc/passwd' INTO TABLE users
SELECT @@version
SELECT @@global.secure_file_priv
SELECT @x := 1
SELECT @x
SELECT * FROM mysql.user
SELECT * FROM performance_schema.threads
SELECT * FROM sys.version
SELECT * FROM users FOR SHARE
SELECT * FROM users LOCK IN SHARE MODE
SELECT * FROM users FOR UPDATE SKIP LOCKED
SELECT 1 /*!50000 , SLEEP(5) */
SELECT 1 /*!UNION SELECT password FROM mysql.user */
SELECT 1 /*M!100100 , SLEEP(5) */
/*!DROP TABLE users*/
/*!50000 DELETE*/ FROM users
SELECT /*+ SET_VAR(max_execution_time = 0) */ * FROM users
SELECT /*+ MAX_EXECUTION_TIME(0) */ * FROM users
SELECT SQL_CALC_FOUND_ROWS * FROM users
SELECT SQL_NO_CACHE HIGH_PRIORITY * FROM users
SELECT * FROM users PROCEDURE ANALYSE()
SELECT * FROM users PARTITION (p0)
SELECT * FROM users USE INDEX (PRIMARY)
SELECT USER()
SELECT VERSION()
SELECT DATABASE()
SELECT CONNECTION_ID()
SELECT LAST_INSERT_ID(5)
SELECT UUID()
SELECT SYS_EXEC('id')
SELECT EXTRACTVALUE(1, CONCAT(0x7e, (SELECT password FROM mysql.user LIMIT 1)))
SELECT UPDATEXML(1, CONCAT(0x7e, VERSION()), 1)
SELECT NAME_CONST('x', 1)
SELECT NEXTVAL(seq)
SELECT NEXT VALUE FOR seq
SELECT SETVAL(seq, 1)
REPLACE INTO users (id) VALUES (1)
HANDLER users OPEN
DO SLEEP(5)
KILL 1
FLUSH TABLES
RESET MASTER
PURGE BINARY LOGS TO 'x'
SET GLOBAL general_log = 1
SET PASSWORD = 'x'
INSTALL PLUGIN x SONAME 'x.so'
CREATE FUNCTION x RETURNS STRING SONAME 'x.so'
RENAME TABLE users TO gone
OPTIMIZE TABLE users
CHECK TABLE users
LOCK TABLES users WRITE
XA START 'x'
START TRANSACTION
DESCRIBE mysql.user
SELECT * FROM users WHERE name RLIKE (SELECT IF(1, SLEEP(5), 'a'))
SELECT RPAD('a', 1000000000, 'a')
SELECT SPACE(1000000000)
SELECT CONVERT(id USING utf8) FROM users WHERE SLEEP(1)
SELECT id FROM users WHERE id IN (SELECT id FROM mysql.innodb_index_stats)
SELECT 1 FROM dual WHERE SLEEP(1)
SELECT ENCRYPT('x')
SELECT AES_DECRYPT(name, @@secret) FROM users
SELECT @a := 1
SELECT user()
SELECT CURRENT_ROLE
SELECT DATABASE(), SCHEMA(), VERSION()
SELECT SESSION_USER(), SYSTEM_USER()
SELECT SLEEP(1), BENCHMARK(1, 1)
SELECT `SLEEP`(1)
SELECT sys.version()
SELECT LOAD_FILE('x')
SELECT GET_LOCK('a', 1)
SELECT NEXTVAL(s), s.nextval, NEXT VALUE FOR s
SELECT DEFAULT(id) FROM users
SELECT VALUES(id) FROM users
SELECT * FROM seq_1_to_1000000000
SELECT REPEAT('a', 100000000)
SELECT * FROM users INTO @x
SELECT * FROM JSON_TABLE(LOAD_FILE('/etc/passwd'), '$' COLUMNS (x INT PATH '$')) j
SELECT ROW_COUNT(), FOUND_ROWS(), LAST_INSERT_ID()
SELECT /*! SLEEP(1) */ 1
SELECT CAST(id AS INT) FROM users FOR SYSTEM_TIME ALL
SELECT EXTRACTVALUE('<a/>', '/a')
SELECT GET_FORMAT(SLEEP(1), 'EUR')
SELECT TIMESTAMPADD(SLEEP(5), 1, NOW())
SELECT MATCH(name) AGAINST ((SELECT SLEEP(1))) FROM users
"""

POSTGRES = """
SELECT pg_sleep(5)
SELECT * FROM users WHERE pg_sleep(5) IS NULL
SELECT pg_sleep_for('5 seconds')
SELECT pg_read_file('/etc/passwd')
SELECT pg_read_binary_file('/etc/passwd')
SELECT pg_ls_dir('/')
SELECT * FROM pg_ls_dir('/')
SELECT * FROM pg_stat_file('/etc/passwd')
SELECT lo_import('/etc/passwd')
SELECT lo_export(1, '/tmp/x')
SELECT lo_from_bytea(0, 'x')
SELECT dblink('host=evil', 'SELECT 1')
SELECT * FROM dblink('host=evil', 'SELECT 1') AS t(a int)
SELECT pg_terminate_backend(1)
SELECT pg_cancel_backend(1)
SELECT pg_reload_conf()
SELECT pg_advisory_lock(1)
SELECT pg_try_advisory_lock(1)
SELECT set_config('statement_timeout', '0', false)
SELECT current_setting('data_directory')
SELECT nextval('seq')
SELECT setval('seq', 1)
SELECT currval('seq')
SELECT query_to_xml('DELETE FROM users', true, true, '')
SELECT database_to_xml(true, true, '')
SELECT table_to_xml('pg_authid', true, true, '')
SELECT version()
SELECT current_database()
SELECT current_schema()
SELECT inet_server_addr()
SELECT pg_backend_pid()
SELECT txid_current()
SELECT pg_export_snapshot()
SELECT pg_notify('x', 'y')
SELECT * FROM pg_catalog.pg_user
SELECT * FROM pg_user
SELECT * FROM pg_shadow
SELECT * FROM pg_authid
SELECT rolpassword FROM pg_authid
SELECT 'pg_authid'::regclass
SELECT id::regclass FROM users
SELECT CAST('pg_sleep' AS regproc)
SELECT xmin FROM users
SELECT ctid FROM users
SELECT tableoid FROM users
SELECT (users).name FROM users
SELECT users FROM users
SELECT row_to_json(users) FROM users
SELECT * FROM users FOR NO KEY UPDATE
SELECT * FROM users FOR KEY SHARE
SELECT * FROM ONLY users
SELECT * FROM generate_series(1, 1000000000)
SELECT generate_series(1, 1000000000)
SELECT * FROM users, LATERAL (SELECT pg_sleep(5)) AS x
SELECT * FROM LATERAL pg_sleep(5)
SELECT * FROM ROWS FROM (pg_ls_dir('/'))
SELECT id INTO TEMP copy FROM users
SELECT id INTO UNLOGGED copy FROM users
COPY users TO '/tmp/x'
COPY users FROM PROGRAM 'id'
COPY (SELECT * FROM users) TO PROGRAM 'id'
DO $$ BEGIN PERFORM pg_sleep(5); END $$
LISTEN x
NOTIFY x
VACUUM users
REINDEX TABLE users
CLUSTER users
CHECKPOINT
LOAD 'x.so'
DISCARD ALL
SET ROLE postgres
RESET ALL
SECURITY LABEL ON TABLE users IS 'x'
COMMENT ON TABLE users IS 'x'
REFRESH MATERIALIZED VIEW x
CREATE EXTENSION dblink
MERGE INTO users USING orders ON true WHEN MATCHED THEN DELETE
WITH x AS (UPDATE users SET name = 'x' RETURNING id) SELECT * FROM x
WITH x AS (INSERT INTO users (id) VALUES (9) RETURNING id) SELECT * FROM x
WITH pg_user AS (SELECT 1 AS usename) SELECT usename FROM pg_user
SELECT repeat('a', 1000000000)
SELECT lpad('a', 1000000000, 'a')
SELECT array_fill(1, ARRAY[1000000000])
SELECT xpath('/x', '<x/>')
SELECT has_table_privilege('users', 'select')
SELECT * FROM users ORDER BY (SELECT pg_sleep(5))
SELECT CASE WHEN 1 = 1 THEN pg_sleep(5) END
SELECT U&'\\0061' FROM pg_user
SELECT currval('seq') FROM users GROUP BY id HAVING pg_sleep(1) IS NULL
DECLARE c CURSOR FOR SELECT * FROM users
FETCH ALL FROM c
SELECT x.pg_sleep FROM (SELECT 1 AS a) x
SELECT current_user
SELECT session_user, user
SELECT current_catalog, current_role, current_schema
SELECT * FROM generate_series(1, 1000000000000) g
SELECT generate_series(1, id * 1000000000) FROM users ORDER BY 1
SELECT DISTINCT generate_series(1, id * 1000000000) FROM users
SELECT E'a\\' OR pg_sleep(5) --'
SELECT * FROM json_populate_record(null::pg_user, '{}')
SELECT 1::regclass
SELECT * FROM pg_typeof(1)
SELECT query_to_xml('select 1', true, true, '')
SELECT ts_stat('select 1')
SELECT ts_rewrite('a'::tsquery, 'select 1')
SELECT "pg_sleep"(5)
SELECT pg_catalog.pg_sleep(5)
SELECT pg_catalog."pg_sleep"(5)
SELECT * FROM ROWS FROM (generate_series(1,2))
SELECT xmlparse(document '<a/>')
SELECT a.* FROM users a, LATERAL (SELECT current_setting('x')) b
SELECT 1 FROM users WHERE (SELECT version()) IS NOT NULL
SELECT u FROM users u
SELECT to_json(u) FROM users u
SELECT json_agg(u) FROM users u
SELECT count(u) FROM users u
SELECT * FROM users, generate_series(1, users.id) WITH ORDINALITY
SELECT repeat(repeat(repeat('a', 1000), 1000), 1000)
SELECT format('%1000000000s', 'x')
SELECT format('%*s', 1000000000, 'x')
SELECT lpad('x', id * 1000000) FROM users
SELECT array_fill(1, ARRAY[100000000])
SELECT * FROM users FOR UPDATE OF users
SELECT set_config('a.b','c',false)
SELECT lo_get(1)
SELECT * FROM ts_parse('default', 'x')
SELECT dblink('x','y')
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i FROM n, pg_sleep(1)) SELECT * FROM n
WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT 1 FROM pg_user) SELECT * FROM t
SELECT CAST('x' AS pg_user)
SELECT xmin, cmin FROM users
SELECT tableoid::regclass FROM users
SELECT users.ctid FROM users
SELECT name.pg_sleep FROM users
COPY (SELECT 1) TO STDOUT
SELECT * FROM users UNION SELECT usename, 'a', 'b' FROM pg_user
SELECT current_setting
SELECT * FROM (VALUES (pg_sleep(1))) v
SELECT * FROM (TABLE pg_user) x
"""

SQLITE = """
PRAGMA writable_schema = 1
PRAGMA table_info(users)
PRAGMA journal_mode = DELETE
ATTACH DATABASE '/tmp/x' AS x
DETACH DATABASE x
VACUUM
VACUUM INTO '/tmp/x'
REINDEX
REPLACE INTO users (id) VALUES (1)
SELECT load_extension('/tmp/x.so')
SELECT readfile('/etc/passwd')
SELECT writefile('/tmp/x', 'y')
SELECT edit('x')
SELECT fts3_tokenizer('simple')
SELECT * FROM sqlite_master
SELECT * FROM sqlite_schema
SELECT * FROM sqlite_temp_master
SELECT * FROM sqlite_sequence
SELECT sql FROM main.sqlite_master
SELECT * FROM main.sqlite_schema
SELECT * FROM temp.users
SELECT * FROM dbstat
SELECT * FROM pragma_table_info('users')
SELECT * FROM pragma_database_list
SELECT * FROM pragma_database_list()
SELECT * FROM generate_series(1, 1000000000)
SELECT value FROM generate_series(1, 1000000000)
SELECT * FROM fsdir('/')
SELECT randomblob(1000000000)
SELECT zeroblob(1000000000)
SELECT hex(zeroblob(500000000))
SELECT printf('%1000000000d', 1)
SELECT format('%1000000000d', 1)
SELECT sqlite_version()
SELECT sqlite_source_id()
SELECT sqlite_compileoption_get(1)
SELECT last_insert_rowid()
SELECT changes()
SELECT total_changes()
SELECT rowid FROM users
SELECT oid FROM users
SELECT _rowid_ FROM users
SELECT users.rowid FROM users
WITH sqlite_master AS (SELECT 1 AS a) SELECT a FROM sqlite_master
SELECT id FROM users WHERE name IN (SELECT name FROM sqlite_master)
SELECT id FROM users UNION SELECT sql FROM sqlite_master
INSERT OR REPLACE INTO users (id) VALUES (1)
CREATE TEMP TABLE t AS SELECT * FROM users
CREATE TRIGGER x AFTER INSERT ON users BEGIN DELETE FROM users; END
CREATE VIRTUAL TABLE x USING fts5(a)
SAVEPOINT x
RELEASE x
SELECT raise(ABORT, 'x')
SELECT ?1
SELECT :name
SELECT @name
SELECT $name
SELECT * FROM users INDEXED BY sqlite_autoindex_users_1
SELECT load_extension('x')
SELECT zeroblob(100000000)
SELECT hex(randomblob(1000000000))
SELECT printf('%1000000000d', 1), printf('%*d', 1000000000, 1)
SELECT printf(name, 1) FROM users
SELECT fts3_tokenizer('x')
SELECT "rowid" FROM users WHERE "rowid" = 1
SELECT * FROM json_each((SELECT sql FROM sqlite_master))
SELECT * FROM fts3tokenize('x')
SELECT * FROM sqlite_stmt
SELECT * FROM "pragma_table_info"('users')
SELECT e.rowid FROM json_each('[1]') e
"""

DUCKDB = """
SELECT * FROM 'x.csv'
SELECT * FROM "x.csv"
SELECT * FROM '/etc/passwd'
SELECT * FROM 'https://evil/x.parquet'
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM read_csv_auto('/etc/passwd')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/etc/*')
SELECT * FROM read_parquet('s3://x/y')
SELECT * FROM read_json('/x.json')
SELECT * FROM glob('/*')
SELECT * FROM sniff_csv('/etc/passwd')
SELECT * FROM parquet_metadata('x')
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_tables()
SELECT * FROM duckdb_secrets()
SELECT * FROM pragma_version()
SELECT * FROM sqlite_master
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM range(1000000000)
SELECT * FROM generate_series(1, 1000000000)
SELECT range(1000000000)
SELECT unnest(range(1000000000))
SELECT getenv('HOME')
SELECT current_setting('memory_limit')
SELECT getvariable('x')
SELECT query('DELETE FROM users')
SELECT * FROM query('SELECT 1')
SELECT * FROM query_table('users')
SELECT nextval('seq')
SELECT version()
SELECT current_database()
SELECT repeat('a', 1000000000)
SELECT lpad('a', 1000000000, 'a')
SELECT * REPLACE (getenv('HOME') AS name) FROM users
SELECT list_transform([1], x -> getenv('HOME'))
COPY users TO '/tmp/x'
COPY users FROM '/tmp/x'
COPY (SELECT * FROM users) TO '/tmp/x.parquet'
EXPORT DATABASE '/tmp/x'
IMPORT DATABASE '/tmp/x'
ATTACH '/tmp/x' AS x
DETACH x
INSTALL httpfs
LOAD httpfs
FORCE INSTALL httpfs
PRAGMA database_list
SET memory_limit = '100GB'
SET enable_external_access = true
RESET memory_limit
CHECKPOINT
FORCE CHECKPOINT
CREATE SECRET s (TYPE s3)
CREATE MACRO m(a) AS a
SUMMARIZE users
DESCRIBE users
FROM 'x.csv'
FROM read_csv('/etc/passwd')
FROM users SELECT getenv('HOME')
INSERT OR REPLACE INTO users (id) VALUES (1)
DELETE FROM users USING orders
UPDATE EXTENSIONS
WITH "x.csv" AS MATERIALIZED (SELECT getenv('HOME')) SELECT * FROM "x.csv"
SELECT * FROM df
SELECT 'x'.getenv()
SELECT name.getenv() FROM users
SELECT list_transform(['HOME'], lambda x : getenv(x))
SELECT [getenv(x) FOR x IN ['HOME']]
FROM '/etc/passwd'
SELECT * FROM query('select 1')
SELECT * FROM (PIVOT read_csv('/etc/passwd') ON a USING count(*))
PIVOT '/etc/passwd' ON x USING count(*)
PIVOT duckdb_settings() ON name USING count(*)
UNPIVOT read_text('/etc/passwd') ON COLUMNS(*)
PIVOT users ON name IN (SELECT * FROM read_csv('x')) USING count(*)
PIVOT users ON name USING first(getenv('HOME'))
SELECT COLUMNS(lambda c : getenv(c) = '') FROM users
SELECT "current_user", "user"
SELECT current_user FROM (PIVOT users ON name USING count(*))
SELECT pg_sleep(1), sleep_ms(1)
SELECT range(1000000000), generate_series(1, 10000000000)
SELECT range(id * 1000000000) FROM users
SELECT range(id, id * 1000000000, 0) FROM users
SELECT range(0, 1000000000, id) FROM users
SELECT * FROM repeat_row(1, num_rows = 1000000000)
SELECT * FROM test_all_types()
SELECT nextval('s'), setseed(0.5)
SELECT json_execute_serialized_sql('x')
SELECT * FROM json_execute_serialized_sql('x')
SELECT format('{:1000000000d}', 1)
SELECT format(name, 1) FROM users
SELECT * FROM users AT (VERSION => 1)
SELECT $1, ?, $name
SELECT main.getenv('HOME')
SELECT system.main.getenv('HOME')
SELECT variable('x'), getvariable('x')
SELECT CAST('x' AS foo)
SELECT enum_range(NULL::mood)
SELECT error('x')
SELECT * FROM unnest(range(100000)) a, unnest(range(100000)) b
"""

BY_DIALECT = {"mysql": MYSQL, "postgres": POSTGRES, "sqlite": SQLITE, "duckdb": DUCKDB}


def hostile(dialect: str) -> list[str]:
    """Every statement of ours for that dialect, and some that no line of text can hold."""
    lines = [line for line in (EVERYWHERE + BY_DIALECT[dialect]).splitlines() if line.strip()]
    return [
        *lines,
        "",
        " ;; ",
        "\x00",
        "SELECT 1\x00; DROP TABLE users",
        "SELECT * FROM users\n;\nDROP TABLE users",
        "SELECT " + "(" * 2000 + "1" + ")" * 2000,
        "SELECT 1" + " + 1" * 20_000,
        "SELECT * FROM users WHERE id IN (" + ",".join("1" * 1 for _ in range(15_000)) + ")",
    ]
