"""The model in the server: its folder, its signature, and fast predictions without data frames."""
