"""Amazon Rekognition JSON 1.1: an unmodified AWS client, pointed at this server, works."""

from countenance.api.rekognition.admission import Limits
from countenance.api.rekognition.server import Credentials, Guard, app

__all__ = ["Credentials", "Guard", "Limits", "app"]
