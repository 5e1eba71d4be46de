"""The function that creates a database's users, each with a schema: run at deployment, any number of times."""
