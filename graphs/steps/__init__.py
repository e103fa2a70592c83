"""One file per step. A step asks the store what is not settled yet, settles it, and returns ids.

Running a step twice writes nothing new, so a kill at any moment costs what was under way and no more.
"""
