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
SELECT list_transform([1, 2, 3], lambda x : x * 2), list_filter([1, 2, 3], lambda x : x > 1), list_reduce([1, 2, 3], lambda a, b : a + b)
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
SELECT COLUMNS(lambda c : c LIKE '%e') FROM products ORDER BY 1
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
SELECT split_part(email, '@', 2), string_split(email, '@'), email.upper().replace('@', ' at '), name[1], name[1:2], left(name, 2), reverse(name), concat_ws('-', city, country), lpad(id::VARCHAR, 4, '0'), strip_accents('é'), translate(name, 'a', 'b') FROM customers ORDER BY id
SELECT format('{} ({})', name, country), printf('%s: %d', name, id), format('{:.2f}', 1.2345), bar(id, 0, 10, 20) FROM customers ORDER BY id
SELECT md5(name), sha256(name), hash(name), hex(name), base64(name::BLOB), ascii(name), chr(65), unicode(name), ord(name) FROM customers ORDER BY id
SELECT name COLLATE NOCASE FROM customers ORDER BY name COLLATE NOCASE DESC
SELECT 7 // 2, 7 % 3, 2 ** 3, 2 ^ 3, 5 & 3, 5 | 3, xor(5, 3), ~5, 1 << 4, @(-3), NOT TRUE, factorial(5), gcd(12, 18), even(2.5), fdiv(7, 2), greatest(1, 2), isnan('nan'::DOUBLE)
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
SELECT * FROM orders WHERE ordered_at >= DATE '2024-01-15' ORDER BY id
SELECT count() FROM orders
SELECT count(*) AS n, status FROM orders GROUP BY status HAVING n > 1 ORDER BY n DESC
SELECT year(ordered_at) || '-Q' || quarter(ordered_at) AS q, sum(total) FROM orders GROUP BY q ORDER BY q
SELECT date_trunc('week', ordered_at)::DATE w, count(*) FROM orders GROUP BY w ORDER BY w
SELECT monthname(ordered_at), dayofweek(ordered_at), dayofyear(ordered_at), weekofyear(ordered_at), date_part(['year', 'month'], ordered_at), era(ordered_at), century(ordered_at) FROM orders ORDER BY id
SELECT age(ordered_at, TIMESTAMP '2023-01-01'), ordered_at - TIMESTAMP '2023-01-01', extract(epoch FROM ordered_at), extract(doy FROM ordered_at), (ordered_at - INTERVAL 1 MONTH)::DATE, ordered_at::TIME FROM orders ORDER BY id
SELECT strftime('%d/%m/%Y', ordered_at), ordered_at.strftime('%Y'), strptime('01/02/2024', '%d/%m/%Y')::DATE, make_timestamp(2024, 1, 2, 3, 4, 5.5), epoch_ms(1704067200000), to_years(1), INTERVAL (2) MONTH, INTERVAL '1 month 2 days' FROM orders ORDER BY id
SELECT datediff('month', DATE '2024-01-31', DATE '2024-03-01'), date_sub('day', DATE '2024-01-01', DATE '2024-01-05'), last_day(DATE '2024-02-01'), dayname(DATE '2024-01-01'), isoyear(DATE '2024-01-01'), julian(DATE '2024-01-01'), current_date > DATE '2020-01-01', now() > TIMESTAMP '2020-01-01'
SELECT ordered_at AT TIME ZONE 'UTC', timezone('Europe/Berlin', ordered_at) FROM orders ORDER BY id
SELECT list_sort([3, 1, 2], 'DESC'), list_reverse_sort([1, 2]), list_position([1, 2], 2), list_has_any([1], [1]), list_has_all([1, 2], [1]), list_unique([1, 1]), list_min([1]), list_max([1]), list_count([1, NULL]), list_any_value([1]), list_first([1]), list_last([1]), list_median([1, 2]), list_value(1, 2), list_append([1], 2), list_prepend(0, [1]), list_extract([1, 2], 1), list_where([1, 2], [true, false]), list_select([5, 6], [1]), list_grade_up([2, 1]), array_length([1]), array_slice([1, 2, 3], 1, 2), array_distinct([1, 1]), [1, 2] || [3], [1, 2] && [2], [1, 2] @> [1], [1] <@ [1, 2], 1 = ANY([1, 2]), 1 IN [1, 2], list_intersect([1, 2], [2]), list_resize([1], 3), array_value(1, 2), list_string_agg(['a', 'b']), list_cosine_similarity([1.0, 2.0], [2.0, 1.0])
SELECT list_filter(tags, lambda t : t LIKE 'v%'), list_transform(tags, lambda t, i : t || i), list_reduce([1, 2, 3], lambda a, b : a + b, 10), array_transform([1], lambda x : x + id), [t.upper() FOR t IN tags], list_transform(tags, lambda t : {'tag': t, 'n': len(t)}) FROM customers ORDER BY id
SELECT struct_insert({'a': 1}, b := 2), struct_update({'a': 1}, a := 3), {'a': {'b': 2}}.a.b, ({'a': 1}).a, row('x', 1), struct_extract({'a': 1}, 'a'), struct_keys({'a': 1})
SELECT address.*, address.street AS s FROM customers ORDER BY id
SELECT unnest(address) FROM customers ORDER BY id
SELECT id, unnest(tags) AS tag, generate_subscripts(tags, 1) AS i FROM customers ORDER BY ALL
SELECT unnest([{'a': 1, 'b': 2}, {'a': 3, 'b': 4}], recursive := true)
SELECT unnest([[1, 2], [3]], max_depth := 2)
SELECT map_from_entries([('a', 1)]), map_values(MAP {'a': 1}), map_extract(MAP {'a': 1}, 'a'), map_contains(MAP {'a': 1}, 'a'), element_at(MAP {'a': 1}, 'a'), map_concat(MAP {'a': 1}, MAP {'b': 2}), MAP(['a'], [1]), MAP {'x': 1}.x
SELECT profile.plan, profile.address.street FROM customers ORDER BY id
SELECT profile -> '$.address.street', profile ->> '$.plan', (profile ->> 'age')::INT + 1, profile['plan'], json_extract(profile, ['$.plan', '$.age']), json_structure(profile), json_array_length(payload -> '$.items'), json_array_length(payload, '$.items') FROM customers JOIN events ON events.customer_id = customers.id ORDER BY events.id
SELECT payload ->> '$.items[*].sku', payload -> 'items' -> 0 ->> 'sku', payload.items[0].sku FROM events ORDER BY id
SELECT je.key, count(*) FROM customers, json_each(profile) je GROUP BY je.key ORDER BY 1
SELECT from_json('{"a": 1}', '{"a": "INT"}'), json_transform('{"a": 1}', '{"a": "INT"}').a, json_merge_patch('{"a": 1}', '{"b": 2}'), json_contains('[1]', '1'), json_exists('{"a": 1}', '$.a'), json_value('{"a": 1}', '$.a'), json_quote('a'), json_pretty('{}'), row_to_json({'a': 1}), array_to_json([1]), '{"a": 1}'::JSON, json('{"a":  1}')
SELECT o.* EXCLUDE (note), c.name FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY o.id
SELECT * EXCLUDE note FROM orders ORDER BY id
SELECT orders.* REPLACE (total * 2 AS total) FROM orders ORDER BY id
SELECT COLUMNS(* EXCLUDE (profile, tags, address)) FROM customers ORDER BY id
SELECT sum(COLUMNS('total|id')) FROM orders
SELECT COLUMNS('(id|total)') + 1 FROM orders ORDER BY 1
SELECT id, COLUMNS('.*_id')::VARCHAR FROM orders ORDER BY id
SELECT coalesce(*COLUMNS(['note', 'status'])) FROM orders ORDER BY id
SELECT * FROM orders WHERE COLUMNS(['id', 'total']) > 2 ORDER BY id
PIVOT orders ON status USING sum(total)
PIVOT orders ON status USING sum(total) AS total, count(*) AS n GROUP BY customer_id ORDER BY customer_id LIMIT 5
PIVOT (SELECT country, year(signup) AS y FROM customers) ON y USING count(*) GROUP BY country ORDER BY country
PIVOT orders ON status, customer_id USING count(*)
SELECT * FROM orders PIVOT (count(*) FOR status IN ('paid', 'open', 'shipped')) ORDER BY ALL
FROM (PIVOT orders ON status USING sum(total) GROUP BY customer_id) SELECT customer_id, paid ORDER BY 1
UNPIVOT products ON price, id INTO NAME k VALUE v ORDER BY ALL
UNPIVOT (SELECT id, total::DOUBLE AS total, customer_id::DOUBLE AS c FROM orders) ON COLUMNS(* EXCLUDE (id)) INTO NAME k VALUE v
SELECT * FROM (SELECT id, price FROM products) UNPIVOT INCLUDE NULLS (v FOR k IN (price)) ORDER BY ALL
SELECT k, sum(v) FROM (UNPIVOT (SELECT id, total, customer_id::DECIMAL(8,2) AS c FROM orders) ON total, c INTO NAME k VALUE v) GROUP BY k ORDER BY k
SELECT quantile_cont(total, [0.25, 0.5, 0.75]), quantile(total, 0.5), median(total) FILTER (WHERE status = 'paid'), mode(status), approx_top_k(status, 2), histogram(status), reservoir_quantile(total, 0.5), sem(total), stddev_pop(total), regr_r2(total, id), list(DISTINCT status ORDER BY status), string_agg(DISTINCT status, ',' ORDER BY status), bit_or(id), arg_max(status, total, 2), min(total, 2), first(status ORDER BY id), wavg(total, id), kurtosis_pop(total), any_value(note), count(DISTINCT status), sum(DISTINCT id), product(id) FROM orders
SELECT id, lead(total, 1, 0) OVER w, nth_value(total, 2) OVER w, row_number() OVER w, sum(total) OVER (w ROWS 1 PRECEDING) FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id) ORDER BY id
SELECT id, avg(total) OVER (ORDER BY ordered_at RANGE BETWEEN INTERVAL 10 DAYS PRECEDING AND INTERVAL 10 DAYS FOLLOWING), median(total) OVER (PARTITION BY customer_id), list(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), last_value(note IGNORE NULLS) OVER (ORDER BY id), rank(ORDER BY total DESC) OVER (ORDER BY id), sum(total) OVER (ORDER BY id GROUPS 1 PRECEDING) FROM orders ORDER BY id
SELECT status, sum(total) AS s FROM orders GROUP BY status QUALIFY rank() OVER (ORDER BY s DESC) <= 2 ORDER BY s
SELECT * FROM orders ORDER BY total DESC NULLS FIRST, id LIMIT 3 OFFSET 1
SELECT * FROM orders ORDER BY ALL DESC LIMIT 10%
SELECT id FROM orders LIMIT (SELECT count(*) // 2 FROM orders)
SELECT count(*) FROM orders TABLESAMPLE 3 ROWS
SELECT * FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.status = 'paid' ORDER BY c.id, o.id
SELECT o.id, p.name FROM orders o ASOF LEFT JOIN products p ON o.total > p.price ORDER BY o.id
SELECT * FROM customers JOIN LATERAL (SELECT sum(total) AS t FROM orders WHERE customer_id = customers.id) ON true ORDER BY customers.id
SELECT c.name, s.t FROM customers c, (SELECT sum(total) AS t FROM orders WHERE customer_id = c.id) s ORDER BY c.id
SELECT name FROM customers UNION BY NAME SELECT name, category FROM products ORDER BY ALL
SELECT id FROM orders EXCEPT SELECT id FROM items INTERSECT SELECT id FROM products ORDER BY id
FROM orders SELECT status, count(*) AS n GROUP BY status ORDER BY n, status
FROM orders WHERE total > 50 ORDER BY id
WITH a AS (FROM orders), b AS (SELECT *, total * 2 AS t2 FROM a) FROM b SELECT sum(t2)
SELECT name[1], name[-1], name[2:], name[:2], array_slice(name, 1, 2), name.lower(), name.length(), length(name), strlen(name), left(name, -1), right(name, 1), name LIKE '%n', contains(lower(name), 'a'), concat(name, '-', id), replace(name, 'n', 'm'), regexp_extract(email, '(\w+)@(\w+)', ['a', 'b']), regexp_extract(email, '@(.+)', 1), regexp_replace(email, '[aeiou]', '', 'g'), string_split_regex(email, '[@.]'), split_part(email, '@', 1), trim(name), ltrim(name, 'A'), lpad(name, 6, '.'), repeat(name, 2), reverse(name), instr(name, 'n'), position('n' IN name), ascii(name), bar(id, 0, 10, 5), md5(name), format('{:>8}', name), format('{:05d}', id), printf('%-5s|', name), url_encode(name), nfc_normalize(name), to_base(id, 2), bin(id), hex(id), format_bytes(1000), chr(65), levenshtein(name, 'Ann'), starts_with(name, 'A'), name SIMILAR TO 'A.*', regexp_matches(name, '^A'), ucase(name), concat_ws(',', name, city), parse_filename('/a/b.csv'), unicode(name), string_agg(name, ',') OVER () FROM customers ORDER BY id
SELECT CAST(total AS VARCHAR), total::INT, total::FLOAT, TRY_CAST(status AS INT), id::BIGINT, id::TINYINT, id::UINTEGER, id::HUGEINT, '1 day'::INTERVAL, '2024-01-01'::TIMESTAMPTZ IS NOT NULL, [1]::DOUBLE[], {'a': '1'}::STRUCT(a INT), 'a'::ENUM('a', 'b'), MAP {'a': 1}::MAP(VARCHAR, BIGINT), 'true'::BOOL, '00000000-0000-0000-0000-000000000000'::UUID, 1::BIT, '[1, 2]'::JSON, CAST(1.5 AS DECIMAL(4, 1)), CAST('10:00' AS TIME), [1, 2]::INT[2], CAST(ROW(1, 2) AS ROW(a INT, b INT)) FROM orders ORDER BY id
SELECT if(total > 50, 'a', 'b'), ifnull(note, 'x'), nullif(status, 'open'), CASE status WHEN 'paid' THEN 1 END, coalesce(note, status), typeof(total), total IS NULL, total NOTNULL, status IN ('paid'), status NOT IN ('open') FROM orders ORDER BY id
SELECT sum(total) FILTER (status = 'paid'), count(*) FILTER (WHERE total > 50), max(total) FILTER (WHERE note IS NULL) FROM orders
SELECT equi_width_bins(0, 10, 2, true), is_histogram_other_bin(1), time_bucket(INTERVAL '1 month', DATE '2024-02-15'), time_bucket(INTERVAL '15 minutes', ordered_at, INTERVAL '5 minutes') FROM orders ORDER BY id
SELECT d FROM generate_series(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02', INTERVAL '6 hours') t(d)
SELECT range FROM range(3)
SELECT * FROM range(0, 10, 2) AS r(i) WHERE i > 2
SELECT unnest(generate_series((SELECT min(ordered_at)::DATE FROM orders), (SELECT max(ordered_at)::DATE FROM orders), INTERVAL 1 MONTH))::DATE AS month
SELECT m::DATE, count(o.id) FROM (SELECT unnest(range(DATE '2024-01-01', DATE '2024-04-01', INTERVAL 1 MONTH)) AS m) LEFT JOIN orders o ON date_trunc('month', o.ordered_at) = m GROUP BY m ORDER BY m
SELECT x, y FROM range(3) a(x), range(2) b(y) ORDER BY ALL
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 100) SELECT sum(n) FROM t
WITH RECURSIVE fib AS (SELECT 1 AS n, 0 AS a, 1 AS b UNION ALL SELECT n + 1, b, a + b FROM fib WHERE n < 10) SELECT a FROM fib ORDER BY n
SELECT status, count(*) FROM orders GROUP BY ROLLUP (status) ORDER BY status NULLS LAST
SELECT grouping_id(status), status FROM orders GROUP BY CUBE (status) ORDER BY ALL
SELECT alias(id), id AS "Order Id" FROM orders ORDER BY "Order Id"
SELECT max(struct_pack(t := total, i := id)).i FROM orders
SELECT arg_max({'id': id, 'total': total}, total).total FROM orders
SELECT (SELECT list(id ORDER BY id) FROM orders WHERE customer_id = c.id) AS ids FROM customers c ORDER BY c.id
SELECT list_aggregate(list(total ORDER BY id), 'avg') FROM orders
SELECT a, a + 1 AS b, b * 2 AS c FROM (SELECT 1 AS a)
SELECT id FROM orders WHERE total > 50 AND status ILIKE 'PAID' ORDER BY id
SELECT #1, #2 FROM orders ORDER BY 1
SELECT o FROM (SELECT id, total FROM orders WHERE id = 1) o
SELECT id, total, total > lag(total) OVER (ORDER BY id) AS up FROM orders ORDER BY id
SELECT TRY(1 / 0), error_free FROM (SELECT 1 AS error_free)
SELECT list(name ORDER BY name)[1:2] FROM customers
