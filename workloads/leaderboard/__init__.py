"""A game's leaderboard: daily, weekly and all-time."""
