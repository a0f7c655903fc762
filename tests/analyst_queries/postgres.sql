SELECT date_trunc('month', ordered_at) AS month, sum(total) FROM orders GROUP BY 1 ORDER BY 1
SELECT to_char(ordered_at, 'YYYY-MM') AS month, count(*) FILTER (WHERE status = 'paid') AS paid FROM orders GROUP BY 1 ORDER BY 1
SELECT extract(dow FROM ordered_at) AS weekday, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT date_part('hour', ordered_at) AS hour, count(*) FROM orders GROUP BY hour ORDER BY hour
SELECT name, age(DATE '2025-01-01', signup) AS age FROM customers ORDER BY id
SELECT d::date AS day, count(o.id) AS orders FROM generate_series('2024-01-01'::date, '2024-01-31'::date, '1 day'::interval) AS d LEFT JOIN orders o ON o.ordered_at::date = d::date GROUP BY d ORDER BY d
SELECT g.month::date, coalesce(sum(o.total), 0) AS revenue FROM generate_series((SELECT date_trunc('month', min(ordered_at)) FROM orders), (SELECT max(ordered_at) FROM orders), INTERVAL '1 month') AS g(month) LEFT JOIN orders o ON date_trunc('month', o.ordered_at) = g.month GROUP BY 1 ORDER BY 1
SELECT n FROM generate_series(1, 10) AS n WHERE n % 2 = 0
SELECT x FROM generate_series(10, 1, -3) AS t(x)
SELECT c.name, tag FROM customers c CROSS JOIN LATERAL unnest(c.tags) AS tag ORDER BY c.id, tag
SELECT tag, count(*) FROM customers, unnest(tags) AS tag GROUP BY tag ORDER BY 2 DESC, 1
SELECT name, t.tag, t.place FROM customers, unnest(tags) WITH ORDINALITY AS t(tag, place) ORDER BY id, place
SELECT name FROM customers WHERE 'vip' = ANY(tags) ORDER BY name
SELECT name FROM customers WHERE tags @> ARRAY['vip'] ORDER BY name
SELECT name FROM customers WHERE tags && ARRAY['vip', 'new']::text[] ORDER BY name
SELECT name, array_length(tags, 1) AS n, cardinality(tags), tags[1] AS first FROM customers ORDER BY id
SELECT name FROM customers WHERE id = ANY(ARRAY[1, 2, 3]) ORDER BY id
SELECT country, array_agg(name ORDER BY name) AS names FROM customers GROUP BY country ORDER BY country
SELECT country, (array_agg(name ORDER BY signup))[1] AS first FROM customers GROUP BY country ORDER BY 1
SELECT string_agg(DISTINCT country, ', ' ORDER BY country) FROM customers
SELECT array_to_string(tags, '|') AS tags FROM customers ORDER BY id
SELECT profile ->> 'plan' AS plan, count(*) FROM customers GROUP BY 1 ORDER BY 1
SELECT (profile ->> 'age')::int AS age FROM customers WHERE profile ? 'age' ORDER BY 1
SELECT profile -> 'address' ->> 'street' AS street FROM customers ORDER BY id
SELECT profile #>> '{address,street}' AS street FROM customers ORDER BY id
SELECT name FROM customers WHERE profile @> '{"plan": "pro"}'::jsonb ORDER BY id
SELECT e.key, e.value FROM customers c, jsonb_each(c.profile) AS e WHERE c.id = 1 ORDER BY 1
SELECT c.id, e.key FROM customers c CROSS JOIN LATERAL jsonb_each_text(c.profile) AS e(key, value) ORDER BY 1, 2
SELECT jsonb_object_keys(profile) AS k, count(*) FROM customers GROUP BY 1 ORDER BY 1
SELECT id, item ->> 'sku' AS sku FROM events, jsonb_array_elements(payload -> 'items') AS item ORDER BY id, sku
SELECT id, jsonb_array_length(payload -> 'items') AS items FROM events WHERE jsonb_typeof(payload -> 'items') = 'array' ORDER BY id
SELECT jsonb_path_query_first(payload, '$.items[0].sku') FROM events ORDER BY id
SELECT json_build_object('name', name, 'city', city) FROM customers ORDER BY id
SELECT jsonb_agg(jsonb_build_object('id', id, 'total', total) ORDER BY id) FROM orders
SELECT jsonb_object_agg(name, price) FROM products
SELECT row_to_json(t) FROM (SELECT id, name FROM customers ORDER BY id) t
SELECT json_agg(t) FROM (SELECT category, count(*) AS n FROM products GROUP BY 1 ORDER BY 1) t
SELECT jsonb_set(profile, '{plan}', '"gold"') ->> 'plan' FROM customers ORDER BY id
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total) AS median, percentile_disc(0.9) WITHIN GROUP (ORDER BY total) FROM orders
SELECT percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY total) FROM orders
SELECT mode() WITHIN GROUP (ORDER BY status) FROM orders
SELECT corr(quantity, unit_price), regr_slope(unit_price, quantity), regr_r2(unit_price, quantity), covar_pop(quantity, unit_price) FROM items
SELECT stddev_samp(total), var_pop(total), bool_or(total > 100), every(total > 0) FROM orders
SELECT country, city, count(*), grouping(country, city) FROM customers GROUP BY ROLLUP (country, city) ORDER BY 1, 2
SELECT status, customer_id, sum(total) FROM orders GROUP BY GROUPING SETS ((status), (customer_id), ()) ORDER BY 1, 2
SELECT status, extract(year FROM ordered_at) AS y, count(*) FROM orders GROUP BY CUBE (status, extract(year FROM ordered_at)) ORDER BY 1, 2
SELECT DISTINCT ON (customer_id) customer_id, id, total FROM orders ORDER BY customer_id, total DESC, id
SELECT c.name, x.total FROM customers c LEFT JOIN LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id ORDER BY total DESC LIMIT 2) x ON true ORDER BY c.id, 2
WITH big AS MATERIALIZED (SELECT * FROM orders WHERE total > 50) SELECT count(*) FROM big
SELECT * FROM (VALUES ('NL', 'Netherlands'), ('DE', 'Germany')) AS v(code, label) JOIN customers c ON c.country = v.code ORDER BY c.id
SELECT name FROM customers WHERE (country, city) IN (VALUES ('NL', 'Amsterdam'), ('DE', 'Berlin')) ORDER BY id
SELECT width_bucket(total, 0, 200, 4) AS bucket, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT date_bin('15 minutes', ordered_at, TIMESTAMP '2024-01-01') AS slot, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT name FROM customers WHERE name SIMILAR TO '(A|B)%' ORDER BY id
SELECT name FROM customers WHERE email ~* '@EXAMPLE\.' AND email !~ '^z' ORDER BY id
SELECT regexp_replace(email, '@.*$', '') AS account, (regexp_match(email, '@(.+)$'))[1] AS host FROM customers ORDER BY id
SELECT substring(email FROM position('@' IN email) + 1) AS host, count(*) FROM customers GROUP BY 1 ORDER BY 1
SELECT split_part(email, '@', 2) AS host FROM customers ORDER BY id
SELECT translate(name, 'ab', 'xy'), overlay(name placing '*' from 1 for 1), initcap(lower(name)), left(name, 2), right(name, 2), reverse(name) FROM customers ORDER BY id
SELECT name COLLATE "C" FROM customers ORDER BY name COLLATE "C" DESC
SELECT format('%s (%s)', name, country) AS label, concat_ws(', ', city, country), lpad(id::text, 4, '0') FROM customers ORDER BY id
SELECT md5(name), encode(sha256(name::bytea), 'hex'), ascii(name), chr(65) FROM customers ORDER BY id
SELECT string_to_array(email, '@') AS parts, (string_to_array(email, '@'))[2] FROM customers ORDER BY id
SELECT s.word, count(*) FROM products, regexp_split_to_table(lower(name), '\s+') AS s(word) GROUP BY 1 ORDER BY 2 DESC, 1
SELECT (DATE '2024-01-01', DATE '2024-02-01') OVERLAPS (DATE '2024-01-15', DATE '2024-03-01') AS overlap
SELECT make_date(2024, 2, 29) + make_interval(days => 10) AS d, isfinite(DATE '2024-01-01'), justify_days(INTERVAL '40 days')
SELECT id, ordered_at + INTERVAL '30 days' AS due, ordered_at::date - DATE '2024-01-01' AS day FROM orders ORDER BY id
SELECT ordered_at AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Amsterdam' FROM orders ORDER BY id
SELECT extract(epoch FROM max(ordered_at) - min(ordered_at)) / 3600 AS hours FROM orders
SELECT id, sum(total) OVER (ORDER BY ordered_at RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) AS week FROM orders ORDER BY id
SELECT id, avg(total) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id
SELECT id, nth_value(total, 2) OVER w, sum(total) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id) ORDER BY id
SELECT id, sum(total) OVER (ORDER BY id GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM orders ORDER BY id
SELECT int4range(1, 10) @> 5, daterange('2024-01-01', '2024-02-01') && daterange('2024-01-15', '2024-03-01'), lower(int4range(1, 5)), upper('[1,5)'::int4range)
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 2 ^ 10, 7 % 3, div(7, 2), |/ 16.0
SELECT bit_and(quantity), bit_or(quantity) FROM items
SELECT greatest(total, 50), least(total, 50), total IS DISTINCT FROM 50, num_nulls(note, status) FROM orders ORDER BY id
SELECT name FROM customers ORDER BY signup DESC NULLS LAST, id FETCH FIRST 3 ROWS ONLY
SELECT id, total FROM orders ORDER BY total DESC FETCH FIRST 2 ROWS WITH TIES
SELECT to_tsvector('english', name) @@ to_tsquery('english', 'lamp') AS hit FROM products ORDER BY id
SELECT ROW(1, 2) < ROW(1, 3), (id, total) = (1, 20.0) FROM orders ORDER BY id
SELECT total::numeric(10, 2)::text, round(total::numeric, 1), trunc(total, 1), total::int FROM orders ORDER BY id
SELECT count(*) FROM orders WHERE ordered_at >= DATE '2024-01-01' AND ordered_at < DATE '2024-01-01' + INTERVAL '1 month'
SELECT CASE WHEN total > 100 THEN 'large' WHEN total > 50 THEN 'medium' ELSE 'small' END AS size, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT r.sku, r.qty FROM events e, jsonb_to_recordset(e.payload -> 'items') AS r(sku text, qty int) ORDER BY e.id, r.sku
SELECT name FROM customers WHERE name LIKE ANY(ARRAY['A%', 'B%']) ORDER BY id
SELECT ARRAY(SELECT id FROM orders WHERE customer_id = c.id ORDER BY id) AS ids FROM customers c ORDER BY c.id
SELECT c.* FROM customers c TABLESAMPLE BERNOULLI (100) ORDER BY c.id
SELECT to_timestamp(0) AT TIME ZONE 'UTC' AS t, to_date('2024-03-01', 'YYYY-MM-DD'), to_number('12,454.8', '99G999D9')
SELECT round(avg(extract(epoch FROM (o2.ordered_at - o1.ordered_at)) / 86400)::numeric, 2) FROM orders o1 JOIN orders o2 ON o2.customer_id = o1.customer_id AND o2.id > o1.id
SELECT array_agg(DISTINCT status) FILTER (WHERE total > 10) FROM orders
SELECT unnest(ARRAY['a', 'b', 'c']) AS letter
SELECT (profile ->> 'age')::numeric BETWEEN SYMMETRIC 60 AND 20 FROM customers ORDER BY id
SELECT max(total) FILTER (WHERE status = 'paid') OVER (PARTITION BY customer_id) FROM orders ORDER BY id
SELECT count FROM (SELECT count(*) FROM orders) x
WITH RECURSIVE dates AS (SELECT DATE '2024-01-01' AS d UNION ALL SELECT d + 1 FROM dates WHERE d < DATE '2024-01-10') SELECT d FROM dates ORDER BY d
WITH RECURSIVE path(id, trail) AS (SELECT id, ARRAY[id] FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, p.trail || e.id FROM employees e JOIN path p ON e.manager_id = p.id WHERE e.id <> ALL(p.trail)) SELECT id, trail FROM path ORDER BY id
SELECT * FROM orders WHERE ordered_at >= now() - INTERVAL '90 days' OR true ORDER BY id
SELECT id, CASE WHEN total > 100 THEN 'a' END IS NULL FROM orders
SELECT count(*) FROM orders o, LATERAL (VALUES (o.total), (o.id)) AS v(x)
SELECT c.name, v.label, v.value FROM customers c CROSS JOIN LATERAL (VALUES ('city', c.city), ('country', c.country)) AS v(label, value) ORDER BY c.id, v.label
SELECT jsonb_path_query_array(payload, '$.items[*].sku') FROM events ORDER BY id
SELECT payload -> 'items' -> 0 ->> 'sku' FROM events ORDER BY id
SELECT payload['items'][0]['sku'] FROM events ORDER BY id
SELECT jsonb_pretty(payload) FROM events ORDER BY id
SELECT payload @? '$.items[*] ? (@.qty > 1)' FROM events ORDER BY id
SELECT profile - 'plan' FROM customers ORDER BY id
SELECT profile || '{"x": 1}'::jsonb FROM customers ORDER BY id
SELECT key, count(*) FROM customers, jsonb_each_text(profile) GROUP BY key ORDER BY 1
SELECT t.* FROM customers, jsonb_to_record(profile) AS t(plan text, age int) ORDER BY 1, 2
SELECT x.* FROM jsonb_to_recordset('[{"a": 1, "b": "x"}]') AS x(a int, b text)
SELECT json_object_agg(status, n) FROM (SELECT status, count(*) AS n FROM orders GROUP BY status) s
SELECT array_position(tags, 'vip'), array_remove(tags, 'vip'), array_append(tags, 'x'), tags || 'y'::text, tags[1:1], array_replace(tags, 'vip', 'V') FROM customers ORDER BY id
SELECT array_agg(x) FROM generate_series(1, 5) AS x
SELECT sum(x) FROM unnest(ARRAY[1, 2, 3]) AS x
SELECT a, b FROM unnest(ARRAY[1, 2], ARRAY['x', 'y']) AS t(a, b)
SELECT generate_subscripts(tags, 1) FROM customers
SELECT (SELECT string_agg(t, ',') FROM unnest(tags) t) FROM customers ORDER BY id
SELECT 1 WHERE 'vip' NOT IN (SELECT unnest(tags) FROM customers WHERE id = 2)
SELECT to_char(total, 'FM999G990D00'), to_char(ordered_at, 'Day, DD Mon YYYY HH24:MI'), to_char(INTERVAL '90 minutes', 'HH24:MI') FROM orders ORDER BY id
SELECT ordered_at::time, ordered_at::date::text, EXTRACT(MINUTE FROM ordered_at), date_part('week', ordered_at) FROM orders ORDER BY id
SELECT date_trunc('day', ordered_at, 'Europe/Berlin') FROM (SELECT ordered_at AT TIME ZONE 'UTC' AS ordered_at FROM orders) o ORDER BY 1
SELECT INTERVAL '1 month' * 3, INTERVAL '1 day' / 2, DATE '2024-03-31' - INTERVAL '1 month', CURRENT_DATE - CURRENT_DATE
SELECT name FROM customers WHERE signup BETWEEN '2023-01-01' AND '2023-12-31' ORDER BY 1
SELECT name FROM customers WHERE signup > date '2023-01-01' + 30 ORDER BY 1
SELECT CURRENT_TIMESTAMP(0) IS NOT NULL, LOCALTIMESTAMP IS NOT NULL, LOCALTIME IS NOT NULL, now()::timestamp IS NOT NULL
SELECT count(*) FROM orders HAVING count(*) > 1
SELECT DISTINCT ON (status) status, id, total FROM orders ORDER BY status, total DESC NULLS LAST
SELECT status, count(*) FROM orders GROUP BY status ORDER BY count(*) DESC, status
SELECT status AS "Status", count(*) AS "How Many" FROM orders GROUP BY "Status" ORDER BY "How Many" DESC, "Status"
SELECT Status AS S, Count(*) AS Total_N FROM Orders GROUP BY S ORDER BY TOTAL_N DESC, s
SELECT sum(total) OVER (PARTITION BY customer_id ORDER BY ordered_at, id) / sum(total) OVER (PARTITION BY customer_id) FROM orders ORDER BY id
SELECT lag(total, 1, 0::numeric) OVER (ORDER BY id), lead(total, 2) OVER (ORDER BY id) FROM orders ORDER BY id
SELECT rank() OVER (ORDER BY sum(total) DESC), customer_id FROM orders GROUP BY customer_id ORDER BY 1
SELECT (count(*) FILTER (WHERE status = 'paid'))::float / nullif(count(*), 0) FROM orders
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FILTER (WHERE status = 'paid') FROM orders
SELECT rank(50) WITHIN GROUP (ORDER BY total), dense_rank(50) WITHIN GROUP (ORDER BY total) FROM orders
SELECT * FROM customers c NATURAL JOIN (SELECT id, total FROM orders) o ORDER BY id
SELECT * FROM orders o FULL JOIN customers c USING (id) ORDER BY id
SELECT o.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.country = 'NL' WHERE c.id IS NULL ORDER BY 1
(SELECT id FROM orders ORDER BY total DESC LIMIT 2) UNION ALL (SELECT id FROM orders ORDER BY total LIMIT 2)
SELECT id FROM orders EXCEPT ALL SELECT id FROM customers ORDER BY id
WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT * FROM a UNION ALL SELECT * FROM b
SELECT x, y FROM (SELECT 1, 2) AS t(x, y)
SELECT 'a' || 1 || true, 'abc' LIKE 'a_c', 'abc' NOT ILIKE 'B%', 'a' ~ 'A', 'a' ~* 'A', 'x' IN ('x', 'y'), 'a' < 'b'
SELECT position('b' in 'abc'), strpos('abc', 'c'), substr('abcd', 2), substring('abcd', 2, 2), substring('foobar' from 'o.b'), trim('  x '), trim(both 'x' from 'xax'), rtrim('xx'), btrim('xax', 'x'), repeat('ab', 3), rpad('x', 5, '-'), to_hex(255), char_length('ab'), octet_length('é'), bit_length('a'), quote_literal('a'), starts_with('abc', 'a'), 'abc' ^@ 'a', regexp_count('aba', 'a'), regexp_like('abc', 'b'), regexp_substr('abc', 'b.'), regexp_instr('abc', 'c'), unistr('d'), normalize('a')
SELECT regexp_matches(email, '(\w+)@(\w+)') FROM customers ORDER BY id
SELECT m[1] FROM customers, regexp_matches(email, '(\w+)@(\w+)') AS m ORDER BY 1
SELECT string_to_table('a,b', ',')
SELECT ts_rank(to_tsvector(name), plainto_tsquery('lamp')) > 0 FROM products ORDER BY id
SELECT hashtext(name) IS NOT NULL FROM customers
SELECT pg_typeof(total) FROM orders LIMIT 1
SELECT pg_size_pretty(123456789::bigint), pg_column_size(name) > 0 FROM customers
SELECT id, status IS NOT DISTINCT FROM 'paid', total IS NULL, (total > 10) IS TRUE, NOT (total > 10) FROM orders ORDER BY id
SELECT (total > 10)::int, total::text || '!', CAST(total AS integer), total::real, total::bigint, '12'::smallint, 't'::boolean, '2024-01-01'::timestamp, '1 day'::interval, '{1,2}'::int[], '10:00'::time, 'a'::char(3), E'tab\there' FROM orders ORDER BY id
SELECT coalesce(sum(total) FILTER (WHERE status = 'void'), 0) FROM orders
SELECT bool_and(total > 0), bit_xor(quantity), stddev(total), variance(total), regr_count(total, quantity), regr_avgx(total, quantity) FROM orders o JOIN items i ON i.order_id = o.id
SELECT jsonb_build_array(1, 'a', null), to_jsonb(name), json_typeof('1'), jsonb_strip_nulls('{"a": null}'), jsonb_insert('{"a": [1]}', '{a, 0}', '2'), array_to_json(tags) FROM customers ORDER BY id
SELECT daterange(signup, NULL, '[]') FROM customers WHERE signup IS NOT NULL ORDER BY id
SELECT isempty(numrange(1, 1)), range_merge(int4range(1, 2), int4range(5, 6)), int4range(1, 5) * int4range(3, 9), int4range(1, 3) + int4range(3, 5), int4range(1, 2) << int4range(3, 4), 5 <@ int4range(1, 9), upper_inf(int4range(1, NULL)), int4range(1, 3) -|- int4range(3, 5)
SELECT point(1, 2) <-> point(4, 6)
SELECT host('10.0.0.1'::inet), masklen('10.0.0.0/8'::cidr), '10.0.0.1'::inet << '10.0.0.0/8'::inet
SELECT EXTRACT(EPOCH FROM INTERVAL '1 hour'), EXTRACT(DOY FROM DATE '2024-02-01'), EXTRACT(WEEK FROM DATE '2024-02-01'), EXTRACT(ISOYEAR FROM DATE '2024-02-01')
SELECT name FROM customers ORDER BY lower(name) COLLATE "C", 1 LIMIT 2 OFFSET 1
SELECT DISTINCT country, count(*) OVER (PARTITION BY country) FROM customers ORDER BY 1
SELECT * FROM customers WHERE tags = ARRAY['vip', 'new'] OR tags IS NULL
SELECT grouping(status), status, customer_id FROM orders GROUP BY ROLLUP (status, customer_id) HAVING grouping(status) = 0 ORDER BY 2, 3
SELECT gen_random_uuid() IS NOT NULL, '00000000-0000-0000-0000-000000000000'::uuid
SELECT sum(total)::money FROM orders
SELECT d::date, extract(isodow from d) FROM generate_series(current_date - 6, current_date, interval '1 day') d
SELECT s.i, s.i * 2 FROM generate_series(0, 20, 5) AS s(i) WHERE s.i > 5
SELECT generate_series(1, 3) AS a, id FROM products ORDER BY id, a
SELECT to_char(d, 'Mon') AS m, coalesce(sum(total), 0) FROM generate_series(timestamp '2024-01-01', timestamp '2024-06-01', interval '1 month') d LEFT JOIN orders ON date_trunc('month', ordered_at) = d GROUP BY d ORDER BY d
SELECT n.i, (SELECT count(*) FROM orders WHERE id <= n.i) FROM (SELECT generate_series(1, 4) AS i) n ORDER BY 1
WITH RECURSIVE t AS (SELECT id, manager_id, name::text AS path FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.manager_id, t.path || ' > ' || e.name FROM employees e JOIN t ON e.manager_id = t.id) SELECT path FROM t ORDER BY path
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t
WITH RECURSIVE a AS (SELECT 1 AS x), t AS (SELECT x AS n FROM a UNION SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t ORDER BY n
SELECT INTERVAL '2:30' HOUR TO MINUTE, INTERVAL '1' MONTH, id = SOME (ARRAY[1, 2]) FROM customers ORDER BY id
