"""Rule packs: data that ships, how it is read, and the cases that each pack must decide."""
