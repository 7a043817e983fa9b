"""What the source holds, how its values look, and the fields that can take them. Pure."""
