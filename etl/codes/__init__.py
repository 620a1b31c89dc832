"""Working on a site's own codes: what is missing, what a code probably means, what a change would do."""
