"""The run layer: one module per command. It knows all stages and carries tables and materials between them."""
