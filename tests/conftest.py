"""Being here, in a package, it puts the repository's root on the path: tests import each other."""
