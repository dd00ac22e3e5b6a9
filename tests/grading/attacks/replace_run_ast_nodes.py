# Replace the method of IPython that runs the statements of a cell.
async def nothing(self, *args, **named):
    return False


type(get_ipython()).run_ast_nodes = nothing
