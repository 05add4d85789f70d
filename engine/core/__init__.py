"""The pure heart: campaign model, events, commands, state and its fold, decisions, search moves.

Nothing here reads a file, a clock or a random source that it was not handed.
"""
