"""What a watch saw and proposed, for a terminal, a job's summary and a pull request."""
