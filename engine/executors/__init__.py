"""Where commands run. Nothing else in the project starts or kills a process."""
