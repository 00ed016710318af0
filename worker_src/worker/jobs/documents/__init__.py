"""From the bytes of a document to clean text: one module per format, none of which knows AWS.

`formats.read` is the door. Parsers are imported when the first document of their format comes,
so that a process that never sees a PDF does not carry a PDF parser.
"""
