"""What is asked and answered under /v1, as frozen values that the server and the Python client share."""
