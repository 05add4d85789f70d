"""The git of a campaign: trees to work in, changes taken from them, what is accepted."""
