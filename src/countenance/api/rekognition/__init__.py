"""Amazon Rekognition JSON 1.1."""
