"""From the state of a run to what each pane shows: plain, frozen, without a word of Textual."""
