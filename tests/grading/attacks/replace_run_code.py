# Replace the method of IPython that runs a cell's compiled code.
async def nothing(self, *args, **named):
    return False


type(get_ipython()).run_code = nothing
