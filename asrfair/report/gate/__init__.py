"""A gate's verdicts: for the terminal, JSON, JUnit and GitHub's step summary."""
