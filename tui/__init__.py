"""The screen of a run: it only looks and asks. All that it knows comes through `tui.bridge`."""
