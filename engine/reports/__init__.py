"""What a state looks like to people and scripts: status, leaderboard."""
