"""What also runs in the isolated process. Nothing here imports the rest of the package: the worker cannot read it.

wire       values as bytes and back, by value, without anything that could execute
modules    a torch module that lives in the other process, and stays equal to it
peer       questions and answers between two processes, with handles for what cannot be copied
lockdown   what a process gives up before somebody else's code runs in it
standins   `handmade` as a submission finds it when it is graded
worker     serves one submission
zygote     a warm interpreter that forks a worker for each submission
"""
