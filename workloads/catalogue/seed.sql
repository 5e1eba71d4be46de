-- 1,000 products in 8 categories with 60 reviews each, the same every time; what is there already stays.
INSERT INTO categories
SELECT n, ('{Lamps,Kettles,Chairs,Rugs,Clocks,Bowls,Desks,Blankets}'::text[])[n]
FROM generate_series(1, 8) AS n
ON CONFLICT DO NOTHING;

INSERT INTO products
SELECT n,
       1 + n % 8,
       ('{Ash,Oak,Linen,Copper,Slate,Wool,Birch,Brass,Cork,Clay}'::text[])[1 + n / 8 % 10] || ' '
           || ('{Blanket,Lamp,Kettle,Chair,Rug,Clock,Bowl,Desk}'::text[])[1 + (n + 1) % 8] || ' ' || 1 + n / 80,
       900 + (n * 7919) % 24000
FROM generate_series(1, 1000) AS n
ON CONFLICT DO NOTHING;

-- Hashes in place of chance: nobody's stars depend on the version of a generator.
INSERT INTO reviews
SELECT p.id,
       1 + (hashint4(p.id * 64 + n)::bigint & 4095),
       1 + greatest(0, 4 - (hashint4(p.id * 64 + n + 1000000)::bigint & 255) * (hashint4(p.id)::bigint & 255) / 13000)
FROM products AS p, generate_series(1, 60) AS n
ON CONFLICT DO NOTHING;

ANALYZE categories, products, reviews;
