"""The main job on real faces, shown: a plain boto3 program enrols and searches behind a mandate, on the record."""
