"""The exact search: rows, their codes, the bounds that prove what may be left out, the compiled kernels."""
