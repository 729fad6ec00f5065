"""Rates of classifiers and of risk scores, by group."""
