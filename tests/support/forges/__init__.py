"""A forge on 127.0.0.1 that speaks as GitHub and GitLab do."""
