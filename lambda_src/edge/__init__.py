"""What every function shares: warm pings, log lines, calls of AWS. Standard library only.

Each import here is paid for at every cold start, so modules import at the top what every invocation
needs and nothing else; tests/lambdas counts what is imported.
"""
