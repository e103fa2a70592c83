"""What an engine can be asked: one file per task, its typed input, its typed answer.

Criteria and fields are named by id in every answer, never by position.
"""
