"""A game's leaderboard: today's, this week's and of all time."""
