"""What is there and what it will take: an inventory of both orgs, and a forecast. Nothing is changed."""
