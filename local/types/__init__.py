"""What MiniStack lacks for our stacks, one module per family; each has one `register` function.

MiniStack is hooked through its own tables and a few private names, all listed in
`engine_contract`. A resource type that neither knows is refused by name before anything is made.
"""
