"""Is this resource what this profile says?"""
