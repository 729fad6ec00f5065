"""Services asked through their own clients: pairs drawn beforehand, cost told first, every answer on a cassette."""
