"""What pages for people have in common: templates, languages, headers, and forms that are safe to post."""
