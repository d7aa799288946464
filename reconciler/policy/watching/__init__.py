"""Judges what is measured of a version that serves: looks, their verdict, what may be proposed."""
