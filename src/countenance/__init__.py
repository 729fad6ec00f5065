"""Countenance."""
