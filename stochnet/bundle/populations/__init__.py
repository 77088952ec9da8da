"""Laws over the nodes of a layer: what a new network of any size is drawn from."""
