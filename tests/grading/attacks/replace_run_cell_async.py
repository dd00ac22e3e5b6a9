# Replace the method of IPython that runs a whole cell, and report success.
from IPython.core.interactiveshell import ExecutionResult


async def nothing(self, *args, **named):
    result = ExecutionResult(None)
    result.execution_count = 1
    return result


type(get_ipython()).run_cell_async = nothing
