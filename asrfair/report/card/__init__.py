"""The service card: its data, its sentences and tables, and the forms it is written in."""
