SELECT date_trunc('month', ordered_at) AS month, sum(total) FROM orders GROUP BY ALL ORDER BY ALL
SELECT strftime(ordered_at, '%Y-%m') AS month, count(*) FILTER (WHERE status = 'paid') FROM orders GROUP BY 1 ORDER BY 1
SELECT dayname(ordered_at), isodow(ordered_at), week(ordered_at), yearweek(ordered_at), quarter(ordered_at), hour(ordered_at), monthname(ordered_at) FROM orders ORDER BY id
SELECT date_diff('day', signup, DATE '2025-01-01') AS days, datesub('month', signup, DATE '2025-01-01'), age(DATE '2025-01-01', signup) FROM customers ORDER BY id
SELECT time_bucket(INTERVAL '1 week', ordered_at) AS week, count(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT extract('year' FROM ordered_at), date_part('dow', ordered_at), epoch(ordered_at), epoch_ms(ordered_at), last_day(ordered_at::date) FROM orders ORDER BY id
SELECT ordered_at + INTERVAL 30 DAY, ordered_at - INTERVAL '2 hours', ordered_at + to_days(3), date_add(DATE '2024-01-01', INTERVAL 1 MONTH) FROM orders ORDER BY id
SELECT strptime('2024-03-01', '%Y-%m-%d'), make_date(2024, 2, 29), try_strptime('x', '%Y'), to_timestamp(0), DATE '2024-01-01' + 7
SELECT d::DATE AS day, count(o.id) FROM generate_series(DATE '2024-01-01', DATE '2024-01-31', INTERVAL 1 DAY) AS g(d) LEFT JOIN orders o ON o.ordered_at::DATE = d GROUP BY d ORDER BY d
SELECT unnest(generate_series(DATE '2024-01-01', DATE '2024-01-05', INTERVAL 1 DAY)) AS day
SELECT unnest(range((SELECT min(id) FROM orders), (SELECT max(id) FROM orders))) AS id
SELECT i FROM range(5) t(i)
SELECT range(3), generate_series(1, 4), range(0, 10, 3)
SELECT unnest([1, 2, 3]) AS x
SELECT * FROM unnest([10, 20]) AS u(v)
SELECT name, unnest(tags) AS tag FROM customers ORDER BY id, tag
SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM customers) GROUP BY tag ORDER BY 2 DESC, 1
SELECT c.name, t.tag FROM customers c, unnest(c.tags) AS t(tag) ORDER BY c.id, t.tag
SELECT name FROM customers WHERE list_contains(tags, 'vip') ORDER BY id
SELECT tags[1], tags[-1], tags[1:2], len(tags), list_sort(tags), array_to_string(tags, '|') FROM customers ORDER BY id
SELECT list_transform([1, 2, 3], x -> x * 2), list_filter([1, 2, 3], x -> x > 1), list_reduce([1, 2, 3], (a, b) -> a + b)
SELECT list_transform(tags, lambda t : upper(t)) FROM customers ORDER BY id
SELECT [x * 2 FOR x IN [1, 2, 3] IF x > 1] AS doubled
SELECT list_aggregate([1, 2, 3], 'sum'), list_sum([1, 2]), list_avg([1, 2]), list_distinct([1, 1]), list_concat([1], [2]), list_slice([1, 2, 3], 1, 2), flatten([[1], [2]]), list_zip([1], [2])
SELECT country, list(name ORDER BY name) AS names, array_agg(DISTINCT city ORDER BY city), string_agg(name, ', ' ORDER BY name) FROM customers GROUP BY country ORDER BY country
SELECT {'a': 1, 'b': 'x'} AS s, struct_pack(a := 1, b := 2), row(1, 2)
SELECT s.a, s['b'], struct_extract(s, 'a') FROM (SELECT {'a': 1, 'b': 2} AS s)
SELECT id, address.street, address['zip'] FROM customers ORDER BY id
SELECT c.address.street FROM customers c ORDER BY c.id
SELECT MAP {'a': 1, 'b': 2}['a'], map_keys(MAP {'a': 1}), map(['x'], [1]), cardinality(MAP {'a': 1}), map_entries(MAP {'a': 1})
SELECT histogram(status) FROM orders
SELECT profile ->> '$.plan' AS plan, count(*) FROM customers GROUP BY plan ORDER BY plan
SELECT profile ->> 'plan', profile -> 'address' ->> 'street', json_extract(profile, '$.age')::INT, json_extract_string(profile, '$.plan') FROM customers ORDER BY id
SELECT json_keys(profile), json_type(profile), json_valid('{}'), json_array_length('[1]'), to_json({'a': 1}), json_object('a', 1), json_array(1, 2) FROM customers ORDER BY id
SELECT e.id, j.value ->> '$.sku' AS sku FROM events e, json_each(e.payload, '$.items') AS j ORDER BY e.id, sku
SELECT id, unnest(from_json(payload -> 'items', '[{"sku": "VARCHAR", "qty": "INT"}]'), recursive := true) FROM events ORDER BY id
SELECT json_group_array(name), json_group_object(name, price) FROM products
SELECT * EXCLUDE (email, profile) FROM customers ORDER BY id
SELECT * REPLACE (upper(name) AS name) FROM products ORDER BY id
SELECT * EXCLUDE (id) REPLACE (round(price) AS price) FROM products ORDER BY name
SELECT * RENAME (name AS title) FROM products ORDER BY id
SELECT c.* EXCLUDE (profile) FROM customers c ORDER BY c.id
SELECT COLUMNS('.*_id') FROM orders ORDER BY id
SELECT min(COLUMNS(* EXCLUDE (note, status))) FROM orders
SELECT COLUMNS(c -> c LIKE '%e') FROM products ORDER BY 1
SELECT * LIKE '%_id' FROM items ORDER BY ALL
SELECT min(COLUMNS(*)), max(COLUMNS(*)) FROM products
PIVOT orders ON status USING sum(total) GROUP BY customer_id ORDER BY customer_id
PIVOT orders ON status IN ('paid', 'open') USING count(*) AS n, sum(total) AS s GROUP BY customer_id
SELECT * FROM (PIVOT orders ON status USING sum(total) GROUP BY customer_id) ORDER BY customer_id
SELECT customer_id, paid FROM orders PIVOT (sum(total) FOR status IN ('paid', 'open') GROUP BY customer_id) ORDER BY 1
WITH p AS (PIVOT orders ON status USING count(*) GROUP BY customer_id) SELECT * FROM p ORDER BY customer_id
UNPIVOT (SELECT id, price, id * 2 AS double FROM products) ON price, double INTO NAME measure VALUE amount
SELECT measure, amount FROM (SELECT id, price, price * 2 AS double FROM products) UNPIVOT (amount FOR measure IN (price, double)) ORDER BY ALL
SELECT id, total FROM orders QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY total DESC, id) = 1 ORDER BY id
SELECT id, lag(note IGNORE NULLS) OVER (ORDER BY id), first_value(note IGNORE NULLS) OVER (ORDER BY id) FROM orders ORDER BY id
SELECT id, sum(total) OVER (ORDER BY ordered_at RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND CURRENT ROW) FROM orders ORDER BY id
SELECT id, sum(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM orders ORDER BY id
SELECT id, avg(total) FILTER (WHERE status = 'paid') OVER (PARTITION BY customer_id) FROM orders ORDER BY id
SELECT id, count(DISTINCT status) OVER (PARTITION BY customer_id) FROM orders ORDER BY id
SELECT country, city, count(*), grouping(country), grouping_id(country, city) FROM customers GROUP BY ROLLUP (country, city) ORDER BY ALL
SELECT status, customer_id, sum(total) FROM orders GROUP BY GROUPING SETS ((status), (customer_id), ()) ORDER BY ALL
SELECT status, year(ordered_at) AS y, count(*) FROM orders GROUP BY CUBE (status, y) ORDER BY ALL
SELECT median(total), mode(status), quantile_cont(total, 0.9), quantile_disc(total, [0.25, 0.5]), approx_quantile(total, 0.5), mad(total) FROM orders
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), percentile_disc(0.5) WITHIN GROUP (ORDER BY total DESC), mode() WITHIN GROUP (ORDER BY status) FROM orders
SELECT arg_max(id, total), arg_min(id, total), max_by(id, total), min_by(status, total), any_value(status), first(id ORDER BY id), last(id ORDER BY id), max(total, 2) FROM orders
SELECT entropy(status), kurtosis(total), skewness(total), stddev(total), var_pop(total), product(quantity), bit_xor(quantity), approx_count_distinct(status), count_if(total > 50), bool_and(total > 0), geomean(total), favg(total), fsum(total) FROM orders JOIN items ON items.order_id = orders.id
SELECT corr(quantity, unit_price), regr_slope(unit_price, quantity), regr_intercept(unit_price, quantity), covar_samp(quantity, unit_price) FROM items
SELECT levenshtein('duck', 'luck'), jaccard('duck', 'luck'), jaro_winkler_similarity('duck', 'luck'), damerau_levenshtein('abc', 'acb'), hamming('abc', 'abd')
SELECT contains(name, 'n'), starts_with(name, 'A'), ends_with(name, 'n'), prefix(name, 'A'), suffix(name, 'n') FROM customers ORDER BY id
SELECT name FROM customers WHERE name SIMILAR TO '(A|B).*' OR name ~ '.*z' ORDER BY id
SELECT name FROM customers WHERE name GLOB 'A*' AND name ILIKE 'a%' AND name NOT LIKE '%x%' ORDER BY id
SELECT regexp_matches(email, '@example'), regexp_extract(email, '@(.*)$', 1), regexp_replace(email, '@.*', ''), regexp_extract_all(email, '[a-z]+'), regexp_split_to_array(email, '@'), regexp_full_match(name, '[A-Z][a-z]+') FROM customers ORDER BY id
SELECT split_part(email, '@', 2), string_split(email, '@'), email.upper().replace('@', ' at '), name[1], name[1:2], left(name, 2), reverse(name), concat_ws('-', city, country), lpad(id::VARCHAR, 4, '0'), strip_accents('é'), translate(name, 'a', 'b'), initcap(lower(name)) FROM customers ORDER BY id
SELECT format('{} ({})', name, country), printf('%s: %d', name, id), format('{:.2f}', 1.2345), bar(id, 0, 10, 20) FROM customers ORDER BY id
SELECT md5(name), sha256(name), hash(name), hex(name), base64(name::BLOB), ascii(name), chr(65), unicode(name), ord(name) FROM customers ORDER BY id
SELECT name COLLATE NOCASE FROM customers ORDER BY name COLLATE NOCASE DESC
SELECT 7 // 2, 7 % 3, 2 ** 3, 2 ^ 3, 5 & 3, 5 | 3, xor(5, 3), ~5, 1 << 4, @(-3), !TRUE, factorial(5), gcd(12, 18), even(2.5), fdiv(7, 2), greatest(1, 2), isnan('nan'::DOUBLE)
SELECT CAST(total AS INT), total::VARCHAR, TRY_CAST('x' AS INT), total::DECIMAL(10, 1), total::DOUBLE, '[1, 2]'::INT[], {'a': 1}::STRUCT(a BIGINT), '2024-01-01'::DATE, 1::BOOLEAN, 5::HUGEINT, 'a'::BLOB FROM orders ORDER BY id
SELECT typeof(total), typeof(tags) FROM orders JOIN customers ON customers.id = customer_id ORDER BY orders.id
SELECT if(total > 50, 'large', 'small') AS size, coalesce(note, '-'), ifnull(note, '-'), nullif(status, 'paid') FROM orders ORDER BY id
SELECT CASE WHEN total > 100 THEN 'large' ELSE 'small' END AS size, count(*) FROM orders GROUP BY size ORDER BY size
SELECT * FROM orders ORDER BY id LIMIT 50%
SELECT count(*) FROM orders USING SAMPLE 100%
SELECT count(*) FROM (SELECT * FROM orders TABLESAMPLE reservoir(3 ROWS))
SELECT o.id, p.name FROM orders o ASOF JOIN products p ON o.total >= p.price ORDER BY o.id
SELECT c.name FROM customers c SEMI JOIN orders o ON o.customer_id = c.id ORDER BY c.id
SELECT c.name FROM customers c ANTI JOIN orders o ON o.customer_id = c.id ORDER BY c.id
SELECT a.id, b.id FROM customers a POSITIONAL JOIN products b
SELECT id FROM orders JOIN items USING (id) ORDER BY id
FROM customers SELECT name WHERE country = 'NL' ORDER BY id
FROM products ORDER BY id
SELECT id, name FROM products UNION ALL BY NAME SELECT name, id FROM customers ORDER BY ALL
SELECT DISTINCT ON (customer_id) customer_id, id FROM orders ORDER BY customer_id, total DESC, id
SELECT c.name, x.total FROM customers c, LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id ORDER BY total DESC LIMIT 1) x ORDER BY c.id
SELECT total * 2 AS doubled, doubled + 1 AS more FROM orders ORDER BY id
SELECT v.code, v.label FROM (VALUES ('NL', 'Netherlands'), ('DE', 'Germany')) AS v(code, label) ORDER BY 1
SELECT col0, col1 FROM (VALUES (1, 'a'), (2, 'b')) ORDER BY 1
WITH RECURSIVE days AS (SELECT DATE '2024-01-01' AS d UNION ALL SELECT (d + INTERVAL 1 DAY)::DATE FROM days WHERE d < DATE '2024-01-10') SELECT d FROM days ORDER BY d
WITH RECURSIVE path(id, trail) AS (SELECT id, [id] FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, list_append(p.trail, e.id) FROM employees e JOIN path p ON e.manager_id = p.id) SELECT id, trail FROM path ORDER BY id
WITH big AS MATERIALIZED (SELECT * FROM orders WHERE total > 50) SELECT count(*) FROM big
SELECT name FROM customers WHERE (country, city) IN (SELECT country, city FROM customers WHERE id < 3) ORDER BY id
SELECT t FROM (SELECT id, name FROM products ORDER BY id) t
SELECT x: id * 2, y: name FROM products ORDER BY id
SELECT status, count(*) * 100.0 / sum(count(*)) OVER () AS share FROM orders GROUP BY status ORDER BY status
SELECT name FROM products WHERE price > ALL (SELECT total FROM orders WHERE total < 20) AND id = ANY ([1, 2, 3, 4]) ORDER BY id
SELECT ARRAY(SELECT id FROM orders WHERE customer_id = c.id ORDER BY id) FROM customers c ORDER BY c.id
SELECT trunc(total), round(total, 1), ceil(total), sign(total), log10(100), ln(1), cbrt(27), sqrt(16), pi(), radians(180), atan2(1, 1) FROM orders ORDER BY id
SELECT count(*) FROM orders WHERE ordered_at < now() AND ordered_at < current_timestamp AND ordered_at::DATE < today() AND ordered_at::DATE < current_date
SELECT count(*) FROM orders WHERE ordered_at BETWEEN TIMESTAMP '2024-01-01' AND '2024-02-01'::TIMESTAMP
