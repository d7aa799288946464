"""What each page shows, as values with every text cut and every moment formatted."""
