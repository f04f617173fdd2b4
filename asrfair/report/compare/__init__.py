"""Two runs compared, and many ranked: for the terminal and as data."""
