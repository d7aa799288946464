"""Plans as the API makes them: what to plan, and what it is judged by."""
