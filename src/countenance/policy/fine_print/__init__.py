"""The matrix of who may do what under each pledge and law, and its pictures."""
