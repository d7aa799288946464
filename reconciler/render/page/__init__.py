"""The site that shows what is live, what is declared and who put it there: HTML, as bytes."""
