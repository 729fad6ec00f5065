"""Amazon Rekognition JSON 1.1: unmodified AWS clients, pointed at this server, work."""

from countenance.api.guarded import CarriesOut, Credentials
from countenance.api.rekognition.buckets import ListedObject
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.s3 import S3Endpoint, S3Place
from countenance.api.rekognition.server import LIMITS, app

__all__ = ["LIMITS", "CarriesOut", "Credentials", "ListedObject", "Objects", "S3Endpoint", "S3Place", "app"]
