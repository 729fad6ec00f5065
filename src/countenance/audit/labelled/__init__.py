"""Data once read: people and their groups, comparisons of them, templates and images of theirs."""
