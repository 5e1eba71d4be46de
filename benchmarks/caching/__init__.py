"""The client's caching and leaderboard, compared with other libraries and PostgreSQL, on real servers."""
