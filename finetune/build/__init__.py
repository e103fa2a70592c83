"""Public data to instructions: what is read, linked, asked and answered, and how the parts are told apart."""
