"""The client's caching and leaderboard beside other libraries and beside PostgreSQL, on real servers."""
