"""Price lists: reading them from AWS, keeping them, finding the one row of a price."""
