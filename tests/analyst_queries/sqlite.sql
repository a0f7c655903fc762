SELECT strftime('%Y-%m', ordered_at) AS month, sum(total) FROM orders GROUP BY month ORDER BY month
SELECT strftime('%w', ordered_at) AS weekday, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT date(ordered_at) AS day, time(ordered_at), datetime(ordered_at, '+1 day', 'start of month') FROM orders ORDER BY id
SELECT julianday('2025-01-01') - julianday(signup) AS days FROM customers ORDER BY id
SELECT CAST(strftime('%Y', signup) AS INTEGER) AS year, count(*) FROM customers GROUP BY year ORDER BY year
SELECT date('2024-01-31', '+1 month'), date('2024-03-15', 'weekday 0'), unixepoch('2024-01-01'), strftime('%s', '2024-01-01'), date('2024-02-01', '-1 day')
SELECT count(*) FROM orders WHERE ordered_at < CURRENT_TIMESTAMP AND date(ordered_at) < date('now') AND ordered_at < datetime('now', 'localtime')
SELECT group_concat(name, '; ') FROM (SELECT name FROM customers ORDER BY name)
SELECT country, group_concat(DISTINCT city) FROM customers WHERE country = 'DE' GROUP BY country
SELECT total(total), sum(total), avg(total) FROM orders
SELECT typeof(total), typeof(note), typeof(id), typeof(1.5), typeof(x'00') FROM orders ORDER BY id
SELECT hex(name), quote(name), unicode(name), char(72, 105), instr(name, 'n'), substr(name, 2, 2), substr(name, -2) FROM customers ORDER BY id
SELECT printf('%.2f', total), format('%05d', id), printf('%s-%s', id, status) FROM orders ORDER BY id
SELECT ltrim('  a'), rtrim('a  '), trim('xax', 'x'), replace('abc', 'b', 'z'), upper('a'), lower('A'), length('日本')
SELECT iif(total > 50, 'large', 'small') AS size, count(*) FROM orders GROUP BY size ORDER BY size
SELECT ifnull(note, '-'), coalesce(note, status), nullif(status, 'paid') FROM orders ORDER BY id
SELECT max(total, 50), min(total, 50), abs(-1), sign(-2), round(total, 1) FROM orders ORDER BY id
SELECT json_extract(profile, '$.plan') AS plan, count(*) FROM customers GROUP BY plan ORDER BY plan
SELECT profile ->> '$.plan', profile -> '$.address', profile ->> 'age' FROM customers ORDER BY id
SELECT json_extract(profile, '$.address.street'), json_type(profile, '$.age'), json_valid(profile) FROM customers ORDER BY id
SELECT json_object('name', name, 'city', city) FROM customers ORDER BY id
SELECT json_group_array(name) FROM (SELECT name FROM products ORDER BY id)
SELECT json_group_object(name, price) FROM products
SELECT json_array(1, 2, 'a'), json_array_length('[1,2,3]'), json_quote('a'), json_set('{"a":1}', '$.b', 2), json_remove('{"a":1}', '$.a'), json_patch('{"a":1}', '{"b":2}'), json_insert('{}', '$.x', 1), json_replace('{"a":1}', '$.a', 9)
SELECT e.id, json_extract(j.value, '$.sku') AS sku FROM events e, json_each(e.payload, '$.items') AS j ORDER BY e.id, sku
SELECT c.id, j.key, j.value FROM customers c JOIN json_each(c.profile) j ORDER BY c.id, j.key
SELECT j.value, count(*) FROM customers, json_each(customers.tags) AS j GROUP BY j.value ORDER BY 2 DESC, 1
SELECT value FROM json_each('[3, 1, 2]') ORDER BY value
SELECT fullkey, atom FROM json_tree('{"a": {"b": [1, 2]}}') WHERE atom IS NOT NULL ORDER BY fullkey
SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM json_each(tags) WHERE value = 'vip') ORDER BY id
SELECT (SELECT count(*) FROM json_each(tags)) AS n FROM customers ORDER BY id
SELECT json_array_length(tags) AS n FROM customers ORDER BY id
SELECT name FROM customers WHERE name GLOB 'A*' OR name NOT GLOB '*n*' ORDER BY id
SELECT name FROM customers WHERE name LIKE 'a%' ESCAPE '!' ORDER BY name COLLATE NOCASE
SELECT name FROM customers WHERE name = 'ann' COLLATE NOCASE
SELECT name FROM customers ORDER BY name COLLATE RTRIM DESC
SELECT name FROM customers WHERE country IS 'NL' AND city IS NOT NULL ORDER BY id
SELECT id FROM orders WHERE note ISNULL ORDER BY id
SELECT id FROM orders WHERE note NOTNULL ORDER BY id
SELECT id FROM orders WHERE status == 'paid' AND total <> 0 ORDER BY id
SELECT 5 & 3, 5 | 3, ~5, 1 << 4, 256 >> 2, 7 % 3, 7 / 2, 7.0 / 2, -5, +5
SELECT id || '-' || status FROM orders ORDER BY id
SELECT CAST('12' AS INTEGER), CAST('12' AS NUMERIC), CAST('1.5' AS REAL), CAST(12 AS TEXT), CAST('a' AS BLOB)
SELECT * FROM (VALUES (1, 'a'), (2, 'b'))
SELECT column1, column2 FROM (VALUES (1, 'a'), (2, 'b')) ORDER BY 1
WITH v(code, label) AS (VALUES ('NL', 'Netherlands'), ('DE', 'Germany')) SELECT c.name, v.label FROM customers c JOIN v ON v.code = c.country ORDER BY c.id
WITH RECURSIVE days(d) AS (VALUES ('2024-01-01') UNION ALL SELECT date(d, '+1 day') FROM days WHERE d < '2024-01-31') SELECT d, count(o.id) FROM days LEFT JOIN orders o ON date(o.ordered_at) = d GROUP BY d ORDER BY d
WITH RECURSIVE fib(n, a, b) AS (SELECT 1, 0, 1 UNION ALL SELECT n + 1, b, a + b FROM fib WHERE n < 15) SELECT n, a FROM fib
WITH RECURSIVE up AS (SELECT id, manager_id, name FROM employees WHERE id = 6 UNION SELECT e.id, e.manager_id, e.name FROM employees e JOIN up ON up.manager_id = e.id) SELECT name FROM up ORDER BY id
WITH RECURSIVE split(id, word, rest) AS (SELECT id, '', name || ' ' FROM products UNION ALL SELECT id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM split WHERE rest <> '') SELECT lower(word) AS word, count(*) FROM split WHERE word <> '' GROUP BY 1 ORDER BY 2 DESC, 1
WITH cnt(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM cnt WHERE x < 5) SELECT x FROM cnt
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n LIMIT 20) SELECT sum(i) FROM n
WITH big AS MATERIALIZED (SELECT * FROM orders WHERE total > 50) SELECT count(*) FROM big
WITH big AS NOT MATERIALIZED (SELECT * FROM orders WHERE total > 50) SELECT count(*) FROM big
SELECT count(*) FILTER (WHERE status = 'paid') AS paid, sum(total) FILTER (WHERE total > 50) FROM orders
SELECT id, sum(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM orders ORDER BY id
SELECT id, sum(total) OVER (ORDER BY id GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id
SELECT id, avg(total) OVER (ORDER BY id RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id
SELECT id, nth_value(total, 2) OVER (PARTITION BY customer_id ORDER BY id) FROM orders ORDER BY id
SELECT id, group_concat(status, ',') OVER (ORDER BY id) FROM orders ORDER BY id
SELECT id, count(*) FILTER (WHERE total > 50) OVER (PARTITION BY customer_id) FROM orders ORDER BY id
SELECT dense_rank() OVER win, rank() OVER win FROM orders WINDOW win AS (ORDER BY status) ORDER BY id
SELECT o.id FROM orders o NATURAL JOIN (SELECT id FROM orders WHERE total > 50) ORDER BY o.id
SELECT id FROM orders JOIN items USING (id) ORDER BY id
SELECT c.name, o.id FROM customers c FULL OUTER JOIN orders o ON o.customer_id = c.id ORDER BY 1, 2
SELECT c.name, o.id FROM orders o RIGHT JOIN customers c ON o.customer_id = c.id ORDER BY 1, 2
SELECT name FROM customers ORDER BY signup DESC NULLS LAST, id LIMIT 3 OFFSET 1
SELECT name FROM customers ORDER BY signup NULLS FIRST, id
SELECT id FROM orders ORDER BY id LIMIT 2, 3
SELECT (id, total) = (1, 20.0) FROM orders ORDER BY id
SELECT id FROM orders WHERE (customer_id, total) IN (SELECT customer_id, max(total) FROM orders GROUP BY customer_id) ORDER BY id
SELECT [name] AS n, `city`, "country" FROM customers ORDER BY id
SELECT CASE status WHEN 'paid' THEN 1 ELSE 0 END FROM orders ORDER BY id
SELECT NOT EXISTS (SELECT 1 FROM orders WHERE total < 0) AS fine, TRUE, FALSE
SELECT pi(), sqrt(16), pow(2, 3), exp(0), ln(1), log10(1000), log2(8), ceil(1.2), floor(1.8), trunc(1.8), mod(7, 3), radians(180), sin(0), acos(1), degrees(pi())
SELECT likely(total > 50), unlikely(total > 50) FROM orders ORDER BY id
SELECT soundex('hello')
SELECT count(*) FROM orders WHERE random() IS NOT NULL
SELECT country, customers FROM (SELECT country, count(*) AS customers FROM customers GROUP BY country) WHERE customers > 1 ORDER BY 1
SELECT sum(total > 50) AS large, avg(status = 'paid') AS share FROM orders
SELECT status, sum(total) * 100.0 / (SELECT sum(total) FROM orders) AS share FROM orders GROUP BY status ORDER BY share DESC
SELECT max(total), id FROM orders
SELECT a.id, b.id FROM orders a, orders b WHERE a.id < b.id AND a.customer_id = b.customer_id ORDER BY 1, 2
SELECT x'4142', 1e3, 0x10, .5, 'it''s'
SELECT strftime('%Y', ordered_at) || '-Q' || ((strftime('%m', ordered_at) + 2) / 3) AS quarter, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT length(hex(randomblob(4))), length(zeroblob(3))
SELECT name FROM customers WHERE name = "Ann"
SELECT user FROM (SELECT 1 AS user)
SELECT date(ordered_at, 'weekday 0', '-6 days') AS week, count(*) FROM orders GROUP BY week ORDER BY week
SELECT strftime('%W', ordered_at), strftime('%H:%M', ordered_at), strftime('%j', ordered_at) FROM orders ORDER BY id
SELECT date(signup, 'start of year', '+6 months', '-1 day'), julianday(signup), strftime('%J', signup) FROM customers ORDER BY id
SELECT CAST((julianday(max(ordered_at)) - julianday(min(ordered_at))) * 24 AS INTEGER) FROM orders
SELECT CASE CAST(strftime('%w', ordered_at) AS INTEGER) WHEN 0 THEN 'Sun' ELSE 'other' END d, count(*) FROM orders GROUP BY d ORDER BY d
SELECT substr(ordered_at, 1, 7) AS m, count(*) n FROM orders GROUP BY m HAVING n > 1 ORDER BY n DESC, m
SELECT name, city || ', ' || country AS place FROM customers WHERE city LIKE '%dam' ORDER BY name
SELECT coalesce(nullif(trim(note), ''), 'none') FROM orders ORDER BY id
SELECT count(DISTINCT city), count(note), sum(note IS NULL) FROM customers JOIN orders ON orders.customer_id = customers.id
SELECT min(signup), max(signup), group_concat(name), avg(id) FROM customers GROUP BY country ORDER BY 1
SELECT row_number() OVER (ORDER BY total DESC) r, * FROM orders ORDER BY r
SELECT * FROM orders WHERE total > (SELECT avg(total) FROM orders) ORDER BY id
SELECT * FROM orders WHERE id IN (1, 2, 3) AND status NOT IN ('open') ORDER BY id
SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders GROUP BY customer_id HAVING sum(total) > 100) ORDER BY 1
SELECT e.name, coalesce(m.name, '-') FROM employees e LEFT OUTER JOIN employees m ON e.manager_id = m.id ORDER BY e.id
SELECT DISTINCT c.name FROM customers AS c INNER JOIN orders AS o ON c.id = o.customer_id WHERE o.total >= 50 ORDER BY c.name
SELECT 'a' AS k, 1 AS v UNION ALL SELECT 'b', 2 ORDER BY v DESC
SELECT id FROM orders UNION SELECT id FROM items INTERSECT SELECT id FROM products ORDER BY 1
SELECT x.n FROM (SELECT count(*) AS n FROM orders GROUP BY status) AS x ORDER BY x.n
WITH a AS (SELECT * FROM orders), b AS (SELECT customer_id, count(*) AS n FROM a GROUP BY 1) SELECT * FROM b ORDER BY n DESC, customer_id
WITH RECURSIVE tree(id, name, path) AS (SELECT id, name, name FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, tree.path || '/' || e.name FROM employees e JOIN tree ON tree.id = e.manager_id ORDER BY 3) SELECT path FROM tree
SELECT json_extract(payload, '$.items[0].sku', '$.items[1].qty') FROM events ORDER BY id
SELECT payload -> 'items' -> 0 ->> 'sku', payload ->> '$.items[0].qty' FROM events ORDER BY id
SELECT events.id, i.value ->> 'sku', i.key FROM events, json_each(payload, '$.items') i ORDER BY 1, 3
SELECT t.path, t.type FROM events, json_tree(events.payload) t WHERE events.id = 1 ORDER BY t.id
SELECT key, count(*) FROM customers, json_each(profile) GROUP BY key ORDER BY key
SELECT json_each.value FROM customers, json_each(customers.tags) ORDER BY 1
SELECT json_group_array(json_object('id', id, 'total', total)) FROM orders
SELECT json_group_array(DISTINCT status) FROM orders
SELECT json(profile), json_extract(profile, '$.missing') IS NULL, json_valid('x') FROM customers ORDER BY id
SELECT sum(total) OVER (PARTITION BY customer_id ORDER BY ordered_at), avg(total) OVER (ORDER BY id ROWS 2 PRECEDING), total * 1.0 / sum(total) OVER () FROM orders ORDER BY id
SELECT lag(total, 1, 0) OVER w, lead(total) OVER w, first_value(id) OVER w, ntile(3) OVER w, percent_rank() OVER w, cume_dist() OVER w FROM orders WINDOW w AS (ORDER BY id) ORDER BY id
SELECT sum(total) OVER (w ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id) ORDER BY id
SELECT upper(substr(name, 1, 1)) || lower(substr(name, 2)) FROM customers ORDER BY id
SELECT replace(replace(email, '@', ' at '), '.', ' dot ') FROM customers ORDER BY id
SELECT substr(email, instr(email, '@') + 1) host, count(*) FROM customers GROUP BY host ORDER BY 2 DESC, 1
SELECT length(name) - length(replace(name, 'n', '')) FROM customers ORDER BY id
SELECT round(123.456, 2), round(-1.5), abs(-3), 10 / 3, 10 / 3.0, 10 % 3, 2 << 3, ~1, max(1, 2, 3), min(3, 1)
SELECT printf('%,d', 1234567), printf('%05.1f|%-6s|%+d', 3.14159, 'ab', 5), printf('%x', 255), format('%s', 'a')
SELECT hex('abc'), quote("x"), typeof(NULL), x'41' = 'A', unicode('A'), char(65, 66)
SELECT 1 IS 1, NULL IS NULL, 1 IS NOT NULL, 1 BETWEEN 0 AND 2, NOT 0, 1 AND 0, 1 OR 0, 'a' LIKE 'A', 'a' GLOB 'A', 'abc' LIKE '_b%', 1 == 1, 1 <> 2, 1 != 2
SELECT CAST('3.7' AS INTEGER), CAST(3 AS TEXT) || 'x', CAST('abc' AS REAL), CAST(1 AS BOOLEAN), CAST('2024-01-01' AS DATE), CAST(1.5 AS DECIMAL(10, 2)), CAST('7' AS INT), CAST(5 AS VARCHAR(10)), CAST(5 AS FLOAT), CAST(5 AS DOUBLE), CAST('5' AS BIGINT)
SELECT name COLLATE NOCASE = 'ANN', name COLLATE BINARY = 'ANN' FROM customers ORDER BY id
SELECT DISTINCT country FROM customers ORDER BY country COLLATE NOCASE
SELECT id, total FROM orders ORDER BY total DESC, id ASC LIMIT 3
SELECT count(*) FROM orders a CROSS JOIN orders b WHERE a.total < b.total
SELECT main.orders.id FROM main.orders ORDER BY 1
SELECT o.rowid FROM (SELECT 1 AS rowid) o
SELECT iif(1 > 0, 'y', 'n'), CASE WHEN 1 THEN 2 END, ifnull(NULL, 3), nullif(1, 1), coalesce(NULL, 1), likelihood(1, 0.5)
SELECT avg(total) FILTER (WHERE total > 20), count(*) FILTER (WHERE status = 'paid' AND total > 10) FROM orders
SELECT datetime(1704067200, 'unixepoch'), datetime('2024-01-01 10:00', 'utc'), strftime('%Y-%m-%d', 1704067200, 'unixepoch'), time('10:00', '+30 minutes'), date('2024-01-01', '+' || 3 || ' days'), date(julianday('2024-01-01') + 1)
SELECT (SELECT name FROM customers WHERE id = o.customer_id) AS who, o.total FROM orders o ORDER BY o.id
SELECT * FROM (SELECT status, total FROM orders WHERE total > 10) WHERE status = 'paid' ORDER BY total
SELECT sum(case status when 'paid' then total end) paid, sum(case when status='open' then total else 0 end) open FROM orders
SELECT * FROM orders ORDER BY 2 DESC, 1 LIMIT 5
SELECT name FROM customers WHERE signup >= date('2024-06-01', '-6 months') ORDER BY 1
SELECT total(total) / count(*) AS mean, sum(total * total) / count(*) - avg(total) * avg(total) AS var FROM orders
SELECT a.customer_id, julianday(b.ordered_at) - julianday(a.ordered_at) FROM orders a JOIN orders b ON b.customer_id = a.customer_id AND b.id = (SELECT min(id) FROM orders WHERE customer_id = a.customer_id AND id > a.id) ORDER BY a.id
