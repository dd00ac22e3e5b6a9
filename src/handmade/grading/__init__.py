"""The instructor's side: nbgrader's settings, repairs of what was handed in, the class's table.

config      nbgrader's settings for this course, and the secret seed of the hidden cases
reading     the bytes of a file as a notebook, or why that cannot be
sanitise    a notebook as its lesson's release says it should be, without a word of the learner's lost
intake      the pass over submitted/: originals kept, repairs recorded, never a stop
exporter    where nbgrader meets the pass
tidy        what a graded notebook can do without
table       points and what happened, a line a student

A whole class:

grade       take in, execute side by side, then one writer; resumes
desk        an instructor's folder, opened: its configuration, its lock, nbgrader run in it
submissions each student's code with the gradebook's graded cells
jobs, cluster, runner, work     where submissions are executed: processes here, or a Dask cluster
cache, lookup                   what executing gave, kept; and found again when nbgrader grades
report      what a class knows, and what to teach tomorrow
lms         points as files for a spreadsheet, Canvas and Moodle
desk_work   all this for the command line
demo        a small class of what instructors really get, graded
"""
