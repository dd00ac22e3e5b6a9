# Put "pass" in place of the text of all later cells, by IPython's hook for input.
get_ipython().input_transformers_post.append(lambda lines: ["pass\n"])
