"""The shared index of a team: what other repositories have, asked beside the local index.

Only `client` is imported without the extra `codekin[team]`, and only where the user's settings name a gateway.
"""
