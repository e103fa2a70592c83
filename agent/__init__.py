"""What a person touches: the protocol file, the command line, the chat and the web pages.

`agent` may import everything below it; nothing below imports `agent`.
"""
