"""The card of one version: what it is, what it is used for, who put it there, what is not known."""
