"""What the tests of a watch share."""
