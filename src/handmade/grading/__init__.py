"""The instructor's side: nbgrader's settings, repairs of submissions, the class's table."""
