"""Working on a site's targets: what is wrong with them, what a change would do, and who changed them when."""
