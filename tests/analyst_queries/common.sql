SELECT count(*) FROM customers
SELECT country, count(*) AS customers FROM customers GROUP BY country ORDER BY customers DESC, country
SELECT c.name, sum(o.total) AS revenue FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.name ORDER BY revenue DESC
SELECT p.category, round(avg(p.price), 2) AS average FROM products p GROUP BY p.category HAVING count(*) > 1 ORDER BY 1
SELECT name FROM customers WHERE id NOT IN (SELECT customer_id FROM orders WHERE customer_id IS NOT NULL)
SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.total > 100)
SELECT o.id, o.total, rank() OVER (PARTITION BY o.customer_id ORDER BY o.total DESC) AS place FROM orders o ORDER BY o.id
SELECT id, total, sum(total) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running FROM orders ORDER BY id
SELECT id, total - lag(total) OVER (ORDER BY id) AS gain FROM orders ORDER BY id
SELECT id, lead(status) OVER (PARTITION BY customer_id ORDER BY id) AS later FROM orders ORDER BY id
SELECT name, salary, ntile(4) OVER (ORDER BY salary, id) AS quarter FROM employees ORDER BY salary, id
SELECT status, count(*) AS n, sum(CASE WHEN total > 50 THEN 1 ELSE 0 END) AS large FROM orders GROUP BY status ORDER BY status
SELECT DISTINCT status FROM orders ORDER BY status
SELECT coalesce(note, 'no note') AS note, count(*) FROM orders GROUP BY coalesce(note, 'no note') ORDER BY 1
SELECT e.name, m.name AS manager FROM employees e LEFT JOIN employees m ON m.id = e.manager_id ORDER BY e.id
WITH spent AS (SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id) SELECT avg(total) FROM spent
WITH monthly AS (SELECT customer_id, count(*) AS n FROM orders GROUP BY customer_id), best AS (SELECT max(n) AS n FROM monthly) SELECT m.customer_id FROM monthly m JOIN best b ON m.n = b.n ORDER BY 1
SELECT name FROM customers UNION SELECT name FROM employees ORDER BY name
SELECT city FROM customers EXCEPT SELECT city FROM customers WHERE country = 'NL'
SELECT customer_id FROM orders INTERSECT SELECT id FROM customers ORDER BY 1
SELECT id FROM orders WHERE total BETWEEN 20 AND 120 AND status IN ('paid', 'shipped') ORDER BY total DESC LIMIT 3
SELECT upper(name) AS name, length(city) AS letters FROM customers WHERE name LIKE 'A%' OR city LIKE '%am' ORDER BY 1
SELECT replace(trim(name), ' ', '_') AS slug FROM customers ORDER BY id
SELECT round(100.0 * sum(CASE WHEN status = 'paid' THEN 1 ELSE 0 END) / count(*), 1) AS share FROM orders
SELECT c.country, p.category, sum(i.quantity * i.unit_price) AS revenue FROM items i JOIN orders o ON o.id = i.order_id JOIN customers c ON c.id = o.customer_id JOIN products p ON p.id = i.product_id GROUP BY c.country, p.category ORDER BY 1, 2
SELECT * FROM (SELECT o.*, row_number() OVER (PARTITION BY customer_id ORDER BY ordered_at DESC, id DESC) AS n FROM orders o) ranked WHERE n = 1 ORDER BY id
SELECT name, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS orders FROM customers c ORDER BY orders DESC, name
SELECT min(price) AS cheapest, max(price) AS dearest, max(price) - min(price) AS spread FROM products
SELECT count(DISTINCT customer_id) AS buyers, count(*) AS orders FROM orders
SELECT nullif(status, 'paid') AS other FROM orders ORDER BY id
SELECT cast(total AS DECIMAL(10, 1)) AS rounded FROM orders ORDER BY id
SELECT first_value(name) OVER (ORDER BY salary DESC, id) AS top, last_value(name) OVER (ORDER BY salary, id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last FROM employees ORDER BY id
SELECT name, salary, percent_rank() OVER (ORDER BY salary) AS p, cume_dist() OVER (ORDER BY salary) AS c FROM employees ORDER BY salary, name
SELECT avg(total) OVER w AS mean, count(*) OVER w AS n FROM orders WINDOW w AS (PARTITION BY status) ORDER BY id
SELECT abs(total - 50), ceil(total), floor(total), power(quantity, 2) FROM orders JOIN items ON items.order_id = orders.id ORDER BY items.id
SELECT a.name, b.name FROM products a CROSS JOIN products b WHERE a.id < b.id AND a.category = b.category ORDER BY a.id, b.id
SELECT count(*) FROM events e LEFT JOIN customers c ON c.id = e.customer_id WHERE c.id IS NULL
WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM numbers WHERE n < 12) SELECT n, n * n AS square FROM numbers ORDER BY n
WITH RECURSIVE chain AS (SELECT id, name, manager_id, 1 AS level FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, e.name, e.manager_id, c.level + 1 FROM employees e JOIN chain c ON e.manager_id = c.id) SELECT level, count(*) AS people FROM chain GROUP BY level ORDER BY level
WITH RECURSIVE boss(id, top) AS (SELECT id, name FROM employees WHERE manager_id IS NULL UNION ALL SELECT e.id, b.top FROM employees e JOIN boss b ON b.id = e.manager_id) SELECT top, count(*) FROM boss GROUP BY top
