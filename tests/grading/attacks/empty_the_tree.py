# Empty all later cells by IPython's own hook for syntax trees.
import ast


class Empty(ast.NodeTransformer):
    def visit_Module(self, node):
        return ast.Module([], [])


get_ipython().ast_transformers.append(Empty())
