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
SELECT id, DATE_FORMAT(ordered_at, '%W %M %Y') FROM orders ORDER BY id
SELECT * FROM orders WHERE ordered_at BETWEEN '2024-01-01' AND LAST_DAY('2024-01-01') ORDER BY id
SELECT CONCAT(ROUND(AVG(total = 59) * 100, 1), '%') FROM orders
SELECT country, COUNT(*) c FROM customers GROUP BY country HAVING c > 1 ORDER BY c DESC, country
SELECT COUNT(*) AS `how many` FROM orders
SELECT SUM(IF(status = 'paid', total, 0)) AS paid, SUM(IF(status = 'open', 1, 0)) FROM orders
SELECT EXTRACT(HOUR FROM ordered_at), EXTRACT(DAY_HOUR FROM ordered_at) FROM orders ORDER BY id
SELECT ordered_at - INTERVAL 1 YEAR, ordered_at + INTERVAL '1 2' DAY_HOUR, DATE_ADD(ordered_at, INTERVAL id DAY), DATE_SUB(ordered_at, INTERVAL (id + 1) HOUR) FROM orders ORDER BY id
SELECT CURRENT_DATE() >= '2024-01-01', CURTIME() IS NOT NULL, CURRENT_TIME IS NOT NULL, LOCALTIME IS NOT NULL, LOCALTIMESTAMP() IS NOT NULL, SYSDATE() IS NOT NULL, UTC_TIMESTAMP() IS NOT NULL, NOW(3) IS NOT NULL
SELECT TIME('10:00:00'), TIMESTAMP('2024-01-01'), YEAR(NOW()) > 2000, MONTH('2024-05-01'), DAYOFMONTH('2024-05-01'), DAY('2024-05-02'), SECOND('10:00:05'), MINUTE('10:05:00')
SELECT TO_SECONDS('2024-01-01'), FROM_UNIXTIME(0, '%Y'), DATE_FORMAT(FROM_UNIXTIME(86400), '%d'), SUBTIME('10:00', '01:00'), STR_TO_DATE('March 5 2024', '%M %d %Y')
SELECT LOWER(name), UCASE(name), LCASE(name), LENGTH(name), CHARACTER_LENGTH(name), SUBSTR(name, 2), REPLACE(name, 'n', 'm'), CONCAT(name, NULL), LEFT(name, 1), RTRIM(name), BIT_LENGTH(name) FROM customers ORDER BY id
SELECT GROUP_CONCAT(CONCAT(name, ':', country) ORDER BY id SEPARATOR ' | ') FROM customers
SELECT GROUP_CONCAT(name, country) FROM customers WHERE id = 1
SELECT JSON_UNQUOTE(JSON_EXTRACT(profile, '$.address.street')), JSON_EXTRACT(payload, '$.items[0].sku', '$.items[1].sku') FROM customers JOIN events ON events.customer_id = customers.id ORDER BY events.id
SELECT JSON_CONTAINS_PATH(profile, 'one', '$.age'), JSON_MERGE_PRESERVE('[1]', '[2]'), JSON_ARRAY_APPEND('[1]', '$', 2), JSON_INSERT('{}', '$.a', 1), JSON_REPLACE('{"a":1}', '$.a', 2), JSON_COMPACT('{ }'), JSON_DETAILED('{"a":1}'), JSON_LOOSE('{"a":1}') FROM customers ORDER BY id
SELECT CASE WHEN total BETWEEN 0 AND 50 THEN 'a' WHEN total > 50 THEN 'b' ELSE 'c' END b, COUNT(*) FROM orders GROUP BY b ORDER BY b
SELECT DISTINCT c.country, COUNT(*) OVER (PARTITION BY c.country) FROM customers c ORDER BY 1
SELECT id, RANK() OVER w, ROW_NUMBER() OVER w, LAG(total, 1) OVER w, FIRST_VALUE(total) OVER w FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id) ORDER BY id
SELECT id, SUM(total) OVER (PARTITION BY status ORDER BY ordered_at ROWS 2 PRECEDING) FROM orders ORDER BY id
SELECT AVG(total) OVER (ORDER BY id RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id
SELECT NTILE(2) OVER (ORDER BY id), PERCENT_RANK() OVER (ORDER BY id), CUME_DIST() OVER (ORDER BY id) FROM orders ORDER BY id
SELECT * FROM customers c JOIN orders o USING (id) ORDER BY id
SELECT * FROM customers NATURAL LEFT JOIN (SELECT id, total FROM orders) o ORDER BY id
SELECT c.name FROM customers c, orders o WHERE c.id = o.customer_id GROUP BY c.id ORDER BY MAX(o.total) DESC
(SELECT id FROM orders ORDER BY total DESC LIMIT 1) UNION (SELECT id FROM orders ORDER BY total LIMIT 1) ORDER BY id
SELECT id FROM orders INTERSECT SELECT id FROM customers EXCEPT SELECT 1 ORDER BY id
SELECT 1 + 1, 5 / 2, 5 DIV 2, 5 MOD 2, -5, 1 = 1, 1 <> 2, 1 != 2, NOT 1, ! 0, 1 && 1, 1 || 0, 'a' 'b', 0x41, x'41', b'101', 1e3, TRUE, NULL IS NULL
SELECT CAST('2024-01-01 10:00' AS DATETIME), CAST('10:00' AS TIME), CAST(1.5 AS UNSIGNED), CAST(5 AS CHAR(2)), CAST('5' AS INTEGER), CAST(1 AS DOUBLE), CAST('1.234' AS DECIMAL(4, 2)), CONVERT('5', SIGNED), CONVERT('2024-01-01', DATE), CAST(3 AS FLOAT)
SELECT COALESCE(note, status, 'x'), IFNULL(SUM(total), 0) FROM orders GROUP BY note, status ORDER BY 1
SELECT name FROM customers ORDER BY name DESC LIMIT 2 OFFSET 1
SELECT o.* FROM orders o WHERE o.total = (SELECT MAX(total) FROM orders WHERE customer_id = o.customer_id) ORDER BY id
SELECT MAX(total) - MIN(total) AS spread, VAR_POP(total), STDDEV(total), STDDEV_POP(total) FROM orders
SELECT SUBSTRING_INDEX(SUBSTRING_INDEX(email, '@', -1), '.', 1) AS d, COUNT(*) FROM customers GROUP BY d ORDER BY d
SELECT country, GROUPING_ID FROM (SELECT country, 1 AS GROUPING_ID FROM customers) t ORDER BY 1
SELECT MD5('a'), SHA('a'), SHA1('a'), SHA2('a', 512), CRC32('a'), HEX(255), UNHEX('41'), TO_BASE64('a'), FROM_BASE64('YQ=='), BIN(5), OCT(8), CONV('a', 16, 2), ASCII('a'), ORD('a'), CHAR(65), CHR(65)
SELECT IF(note IS NULL, 'none', note), ISNULL(note), NULLIF(1, 1), LEAST(1, 2), ELT(1, 'a'), FIELD('a', 'a'), FIND_IN_SET('a', 'a,b'), MAKE_SET(1, 'a'), REVERSE('ab'), REPEAT('a', 2), SPACE(1), INSERT('abc', 1, 1, 'x'), LOCATE('b', 'abc', 1), MID('abc', 2, 1), SOUNDEX('a'), 'a' SOUNDS LIKE 'b', QUOTE('a'), FORMAT(1234.5, 1, 'de_DE'), TRUNCATE(1.99, 1), PI() FROM orders ORDER BY id
SELECT ST_X(POINT(1, 2)), ST_ASTEXT(POINT(1, 2)), ST_DISTANCE(POINT(0, 0), POINT(3, 4))
SELECT VALUE FROM (SELECT 1 AS VALUE) t
SELECT status, total, SUM(total) FROM orders GROUP BY status, total WITH ROLLUP
SELECT DISTINCTROW status FROM orders ORDER BY 1
SELECT ALL status FROM orders ORDER BY id
SELECT COUNT(*) FROM orders WHERE (status, total) = ('paid', 20.00)
SELECT id FROM orders WHERE status = 'paid' AND NOT note IS NULL OR total >= ALL (SELECT total FROM orders) ORDER BY 1
SELECT 1 FROM DUAL
SELECT x.a FROM (SELECT 1 a UNION SELECT 2) x ORDER BY a DESC
SELECT TIMESTAMPDIFF(YEAR, signup, CURDATE()) >= 0 FROM customers WHERE signup IS NOT NULL
SELECT DATE_FORMAT(DATE_SUB(ordered_at, INTERVAL WEEKDAY(ordered_at) DAY), '%Y-%m-%d') AS week, COUNT(*) FROM orders GROUP BY week ORDER BY week
SELECT EXISTS (SELECT 1 FROM orders WHERE total > 100) AS any_large
WITH RECURSIVE tree AS (SELECT id, name, CAST(name AS CHAR(200)) AS path FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, CONCAT(t.path, '/', e.name) FROM employees e JOIN tree t ON e.manager_id = t.id) SELECT path FROM tree ORDER BY path
WITH RECURSIVE seq AS (SELECT 0 AS n UNION SELECT n + 1 FROM seq WHERE n < 23) SELECT n, COUNT(id) FROM seq LEFT JOIN orders ON HOUR(ordered_at) = n GROUP BY n ORDER BY n
WITH RECURSIVE a AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM a WHERE i < 3), b AS (SELECT i * 2 AS j FROM a) SELECT * FROM a, b ORDER BY i, j
