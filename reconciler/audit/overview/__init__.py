"""What is live, what is declared, and who put it there: the values that the page shows."""
