"""`ci plan`, `ci apply` and `ci drift`: what CI jobs do, with the forge around them."""
