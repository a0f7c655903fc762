SELECT DATE_FORMAT(ordered_at, '%Y-%m') AS month, SUM(total) FROM orders GROUP BY month ORDER BY month
SELECT YEAR(ordered_at) AS y, MONTH(ordered_at) AS m, COUNT(*) FROM orders GROUP BY y, m ORDER BY y, m
SELECT DAYNAME(ordered_at) AS day, COUNT(*) FROM orders GROUP BY day ORDER BY day
SELECT QUARTER(ordered_at), WEEK(ordered_at, 3), DAYOFWEEK(ordered_at), WEEKDAY(ordered_at), HOUR(ordered_at), LAST_DAY(ordered_at) FROM orders ORDER BY id
SELECT DATEDIFF('2025-01-01', signup) AS days, TIMESTAMPDIFF(MONTH, signup, '2025-01-01') AS months FROM customers ORDER BY id
SELECT id FROM orders WHERE ordered_at >= DATE_SUB('2024-03-01', INTERVAL 1 MONTH) ORDER BY id
SELECT ordered_at + INTERVAL 30 DAY, DATE_ADD(ordered_at, INTERVAL '1:30' MINUTE_SECOND), ADDDATE(ordered_at, 3), SUBDATE(ordered_at, INTERVAL 1 WEEK) FROM orders ORDER BY id
SELECT EXTRACT(YEAR_MONTH FROM ordered_at) AS ym, COUNT(*) FROM orders GROUP BY ym ORDER BY ym
SELECT CONVERT_TZ(ordered_at, '+00:00', '+08:00') FROM orders ORDER BY id
SELECT STR_TO_DATE('01,5,2024', '%d,%m,%Y'), MAKEDATE(2024, 60), MAKETIME(1, 2, 3), FROM_DAYS(738000), TO_DAYS('2024-01-01'), PERIOD_DIFF(202403, 202401), PERIOD_ADD(202401, 3)
SELECT TIMEDIFF('10:00:00', '08:30:00'), TIME_FORMAT('10:05:00', '%H.%i'), SEC_TO_TIME(3661), TIME_TO_SEC('01:01:01'), ADDTIME('10:00:00', '00:30:00')
SELECT UNIX_TIMESTAMP('2024-01-01 00:00:00') - UNIX_TIMESTAMP('2023-12-31 00:00:00') AS seconds
SELECT DATE(ordered_at) AS day, TIME(ordered_at) AS t FROM orders ORDER BY id
SELECT DATE '2024-01-01' + INTERVAL 1 QUARTER, TIMESTAMP('2024-01-01', '10:00:00')
SELECT TIMESTAMPADD(MINUTE, 90, ordered_at) FROM orders ORDER BY id
SELECT COUNT(*) FROM orders WHERE ordered_at < NOW() AND ordered_at < CURDATE() AND ordered_at < CURRENT_TIMESTAMP AND ordered_at < UTC_DATE
SELECT YEARWEEK(ordered_at), WEEKOFYEAR(ordered_at), DAYOFYEAR(ordered_at), MICROSECOND(ordered_at), MONTHNAME(ordered_at) FROM orders ORDER BY id
SELECT GROUP_CONCAT(name ORDER BY name SEPARATOR '; ') FROM customers
SELECT country, GROUP_CONCAT(DISTINCT city ORDER BY city DESC) FROM customers GROUP BY country ORDER BY country
SELECT JSON_EXTRACT(profile, '$.plan'), JSON_UNQUOTE(JSON_EXTRACT(profile, '$.plan')) FROM customers ORDER BY id
SELECT JSON_VALUE(profile, '$.plan') AS plan, COUNT(*) FROM customers GROUP BY plan ORDER BY plan
SELECT name FROM customers WHERE JSON_CONTAINS(profile, '"pro"', '$.plan') ORDER BY id
SELECT JSON_KEYS(profile), JSON_LENGTH(profile), JSON_TYPE(profile), JSON_VALID(profile), JSON_DEPTH(profile) FROM customers ORDER BY id
SELECT JSON_OBJECT('name', name, 'city', city) FROM customers ORDER BY id
SELECT JSON_ARRAY(1, 'a', NULL), JSON_QUOTE('a'), JSON_SET('{"a": 1}', '$.b', 2), JSON_REMOVE('{"a": 1, "b": 2}', '$.a'), JSON_MERGE_PATCH('{"a": 1}', '{"b": 2}'), JSON_SEARCH('["a", "b"]', 'one', 'b')
SELECT JSON_ARRAYAGG(name) FROM (SELECT name FROM products ORDER BY id) p
SELECT JSON_OBJECTAGG(name, price) FROM products
SELECT e.id, j.sku, j.qty FROM events e, JSON_TABLE(e.payload, '$.items[*]' COLUMNS (sku VARCHAR(20) PATH '$.sku', qty INT PATH '$.qty')) AS j ORDER BY e.id, j.sku
SELECT j.n, j.v FROM JSON_TABLE('[10, 20]', '$[*]' COLUMNS (n FOR ORDINALITY, v INT PATH '$')) AS j
SELECT JSON_EXISTS(payload, '$.items'), JSON_QUERY(payload, '$.items') FROM events ORDER BY id
SELECT name FROM customers WHERE email REGEXP '^[a-m]' AND name RLIKE 'n' ORDER BY id
SELECT REGEXP_REPLACE(email, '@.*$', ''), REGEXP_SUBSTR(email, '[^@]+$'), REGEXP_INSTR(email, '@') FROM customers ORDER BY id
SELECT SUBSTRING_INDEX(email, '@', -1) AS host, COUNT(*) FROM customers GROUP BY host ORDER BY host
SELECT LOCATE('@', email), INSTR(email, '@'), POSITION('@' IN email), MID(email, 1, 3), LEFT(email, 2), RIGHT(email, 2), SUBSTRING(email FROM 2 FOR 3) FROM customers ORDER BY id
SELECT CONCAT(name, ' (', country, ')'), CONCAT_WS(', ', city, country), LPAD(id, 4, '0'), RPAD(name, 12, '.'), REPEAT('*', 3), SPACE(2) FROM customers ORDER BY id
SELECT TRIM(BOTH 'x' FROM 'xxaxx'), TRIM(LEADING '0' FROM '007'), LTRIM('  a'), INSERT('Quadratic', 3, 4, 'What'), REVERSE('abc'), ELT(2, 'a', 'b'), FIELD('b', 'a', 'b'), FIND_IN_SET('b', 'a,b')
SELECT HEX('abc'), UNHEX('616263'), BIN(12), OCT(12), CONV('ff', 16, 10), ASCII('a'), ORD('a'), CHAR(77, 121 USING utf8mb4), TO_BASE64('abc'), STRCMP('a', 'b'), SOUNDEX('hello'), QUOTE('a')
SELECT MD5(name), SHA1(name), SHA2(name, 256), CRC32(name) FROM customers ORDER BY id
SELECT FORMAT(total, 2), ROUND(total, 1), TRUNCATE(total, 1), SIGN(total), MOD(id, 3), id DIV 2, id % 2 FROM orders ORDER BY id
SELECT CAST(total AS SIGNED), CAST(total AS CHAR), CONVERT(total, UNSIGNED), CAST('2024-01-01' AS DATE), CAST('12' AS DECIMAL(10, 2)), CONVERT(name USING utf8mb4) FROM orders JOIN customers ON customers.id = customer_id ORDER BY orders.id
SELECT IF(total > 50, 'large', 'small') AS size, COUNT(*) FROM orders GROUP BY size ORDER BY size
SELECT IFNULL(note, '-'), NULLIF(status, 'paid'), ISNULL(note), GREATEST(total, 50), LEAST(total, 50) FROM orders ORDER BY id
SELECT note <=> NULL, status != 'paid', NOT (total > 50), total > 10 XOR total > 100 FROM orders ORDER BY id
SELECT 5 & 3, 5 | 3, 5 ^ 3, ~5 & 255, 1 << 4, 256 >> 2, BIT_COUNT(7)
SELECT BIT_AND(quantity), BIT_OR(quantity), BIT_XOR(quantity) FROM items
SELECT STD(total), STDDEV_SAMP(total), VARIANCE(total), VAR_SAMP(total) FROM orders
SELECT country, city, COUNT(*) FROM customers GROUP BY country, city WITH ROLLUP
SELECT name COLLATE utf8mb4_bin AS n FROM customers ORDER BY n
SELECT name FROM customers WHERE BINARY name = 'Ann' ORDER BY id
SELECT name FROM customers WHERE name LIKE 'a%' COLLATE utf8mb4_general_ci ORDER BY id
SELECT name FROM customers WHERE email LIKE '%!_%' ESCAPE '!' ORDER BY id
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v
WITH v(code, label) AS (SELECT 'NL', 'Netherlands' UNION ALL SELECT 'DE', 'Germany') SELECT c.name, v.label FROM customers c JOIN v ON v.code = c.country ORDER BY c.id
WITH RECURSIVE days AS (SELECT DATE('2024-01-01') AS d UNION ALL SELECT d + INTERVAL 1 DAY FROM days WHERE d < '2024-01-31') SELECT d, (SELECT COUNT(*) FROM orders WHERE DATE(ordered_at) = d) AS n FROM days ORDER BY d
WITH RECURSIVE split AS (SELECT id, SUBSTRING_INDEX(email, '@', 1) AS part, 1 AS n FROM customers UNION ALL SELECT id, part, n + 1 FROM split WHERE n < 2) SELECT id, part, n FROM split ORDER BY id, n
WITH RECURSIVE fib (n, a, b) AS (SELECT 1, 0, 1 UNION ALL SELECT n + 1, b, a + b FROM fib WHERE n < 15) SELECT n, a FROM fib ORDER BY n
SELECT MEDIAN(total) OVER () FROM orders LIMIT 1
SELECT status, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY total) OVER (PARTITION BY status) AS med FROM orders ORDER BY id
SELECT id, NTH_VALUE(total, 2) OVER (PARTITION BY customer_id ORDER BY id) FROM orders ORDER BY id
SELECT id, SUM(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM orders ORDER BY id
SELECT DENSE_RANK() OVER (ORDER BY total DESC) AS r, id FROM orders ORDER BY id
SELECT o.id FROM orders o STRAIGHT_JOIN customers c ON c.id = o.customer_id ORDER BY o.id
SELECT c.name FROM customers c LEFT JOIN (orders o JOIN items i ON i.order_id = o.id) ON o.customer_id = c.id GROUP BY c.name ORDER BY c.name
SELECT COUNT(DISTINCT country, city) FROM customers
SELECT name FROM products WHERE price > ALL (SELECT total FROM orders WHERE total < 20) ORDER BY id
SELECT name FROM products WHERE price >= SOME (SELECT unit_price FROM items) ORDER BY id
SELECT id FROM orders WHERE (customer_id, total) IN (SELECT customer_id, MAX(total) FROM orders GROUP BY customer_id) ORDER BY id
SELECT id FROM orders ORDER BY FIELD(status, 'paid', 'shipped', 'open'), id
SELECT id FROM orders ORDER BY total IS NULL, total LIMIT 2, 3
SELECT SUM(total > 50) AS large, AVG(status = 'paid') AS share FROM orders
SELECT POW(2, 10), SQRT(16), EXP(0), LN(1), LOG(2, 8), LOG10(1000), LOG2(8), PI(), DEGREES(PI()), RADIANS(180), ATAN2(1, 1), COT(1)
SELECT INET_ATON('10.0.0.1'), INET_NTOA(167772161), CHAR_LENGTH('日本'), OCTET_LENGTH('日本'), BIT_LENGTH('a')
SELECT NVL(note, 'none'), NVL2(note, 1, 0) FROM orders ORDER BY id
SELECT `name` AS `customer name` FROM `customers` ORDER BY `customer name`
SELECT "text" AS literal, 'it''s', 'a\nb', 'tab\t'
SELECT CASE status WHEN 'paid' THEN 1 WHEN 'open' THEN 0 END AS paid FROM orders ORDER BY id
SELECT name, price FROM products WHERE MATCH(name) AGAINST ('lamp' IN NATURAL LANGUAGE MODE) ORDER BY id
SELECT DISTINCT YEAR(signup) FROM customers ORDER BY 1
SELECT GET_FORMAT(DATE, 'EUR')
SELECT STR_TO_DATE(CONCAT(YEAR(ordered_at), '-', MONTH(ordered_at), '-01'), '%Y-%m-%d') AS month, COUNT(*) FROM orders GROUP BY 1 ORDER BY 1
SELECT MAKE_SET(1 | 4, 'a', 'b', 'c'), EXPORT_SET(5, 'Y', 'N', ',', 4)
SELECT x.country, x.n FROM (SELECT country, COUNT(*) AS n FROM customers GROUP BY country) AS x WHERE x.n = (SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM customers GROUP BY country) AS y) ORDER BY 1
