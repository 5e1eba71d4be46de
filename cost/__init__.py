"""What a stage costs a month, from its templates and AWS's public price lists.

`python -m cost prices` reads the lists into the user's cache folder; `python -m cost table` reads templates and the
cache, never the network. What has no price, or more than one, says so.
"""
