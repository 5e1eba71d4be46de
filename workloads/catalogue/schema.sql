CREATE TABLE IF NOT EXISTS categories (
    id integer PRIMARY KEY,
    name text NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS products (
    id integer PRIMARY KEY,
    category_id integer NOT NULL REFERENCES categories,
    name text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents > 0)
);
CREATE INDEX IF NOT EXISTS products_of_category ON products (category_id, id);
CREATE TABLE IF NOT EXISTS reviews (
    product_id integer NOT NULL REFERENCES products,
    customer_id integer NOT NULL,
    stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    PRIMARY KEY (product_id, customer_id)
);
CREATE INDEX IF NOT EXISTS reviews_of_customer ON reviews (customer_id, product_id);
