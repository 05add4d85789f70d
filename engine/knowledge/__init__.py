"""What a run knows and tells its agents: templates, briefings, directives, answers."""
