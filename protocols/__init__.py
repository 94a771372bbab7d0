"""The protocols, one readable file each. None imports another; what two share is in `oversight`."""
