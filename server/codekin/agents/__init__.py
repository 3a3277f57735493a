"""What do coding agents ask, and how are they told? The Model Context Protocol, and nothing an engine could not answer.

Only modules here import the `mcp` SDK, and none of them does before the client has its first answer.
"""
