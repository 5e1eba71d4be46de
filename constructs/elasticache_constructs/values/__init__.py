"""What a cache is configured with: immutable values that check themselves."""
