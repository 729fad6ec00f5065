"""The demo: a plain boto3 program enrols and searches real faces, under a mandate and on the record."""
